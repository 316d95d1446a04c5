using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace PayoutManager.Host.Tests.Deployment;

/// <summary>A registry of container images that has one image under every name, to build others on.</summary>
internal sealed class ThrowAwayRegistry : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Dictionary<string, byte[]> _blobs = [];
    private readonly byte[] _manifest;

    private ThrowAwayRegistry()
    {
        var files = Layer();
        var layer = Keep(Compress(files));
        LayerDigest = DigestOf(files);
        var configuration = Keep(JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = "amd64",
            os = "linux",
            config = new { User = "root", Env = (string[])["PATH=/usr/bin", "ASPNETCORE_HTTP_PORTS=8080"] },
            rootfs = new { type = "layers", diff_ids = (string[])[LayerDigest] },
        }));
        _manifest = JsonSerializer.SerializeToUtf8Bytes(new
        {
            schemaVersion = 2,
            mediaType = ManifestType,
            config = new { mediaType = "application/vnd.docker.container.image.v1+json", digest = configuration, size = _blobs[configuration].Length },
            layers = new[]
            {
                new { mediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip", digest = layer, size = _blobs[layer].Length },
            },
        });

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    private const string ManifestType = "application/vnd.docker.distribution.manifest.v2+json";

    /// <summary>Its name, as a part of an image's.</summary>
    public string Name => $"localhost:{new Uri(_app.Urls.First()).Port}";

    /// <summary>The digest of the only layer of its image, uncompressed.</summary>
    public string LayerDigest { get; }

    public static async Task<ThrowAwayRegistry> StartAsync()
    {
        var registry = new ThrowAwayRegistry();
        await registry._app.StartAsync();
        return registry;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        var isManifest = path.Contains("/manifests/", StringComparison.Ordinal);
        var answer = isManifest ? _manifest : _blobs.GetValueOrDefault(path[(path.LastIndexOf('/') + 1)..]);
        if (answer is null)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        http.Response.ContentType = isManifest ? ManifestType : "application/octet-stream";
        http.Response.ContentLength = answer.Length;
        http.Response.Headers["Docker-Content-Digest"] = DigestOf(answer);
        if (HttpMethods.IsGet(http.Request.Method))
            await http.Response.Body.WriteAsync(answer);
    }

    private string Keep(byte[] blob)
    {
        var digest = DigestOf(blob);
        _blobs[digest] = blob;
        return digest;
    }

    private static byte[] Layer()
    {
        using var files = new MemoryStream();
        using (var tar = new TarWriter(files, leaveOpen: true))
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "base") { DataStream = new MemoryStream(Encoding.UTF8.GetBytes("base")) });
        return files.ToArray();
    }

    private static byte[] Compress(byte[] bytes)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return compressed.ToArray();
    }

    private static string DigestOf(byte[] blob) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(blob))}";
}
