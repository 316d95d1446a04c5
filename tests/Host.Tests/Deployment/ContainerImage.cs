using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Deployment;

/// <summary>A container image as the SDK makes it of a project.</summary>
/// <param name="Tags">Its names.</param>
/// <param name="Configuration">What it says of how to run it.</param>
/// <param name="Layers">Digests of its layers, uncompressed, from the base on.</param>
/// <param name="Files">What its last layer holds.</param>
internal sealed record ContainerImage(
    IReadOnlyList<string> Tags, JsonNode Configuration, IReadOnlyList<string> Layers, IReadOnlyList<string> Files)
{
    /// <summary>What the project says of its image.</summary>
    public static async Task<JsonNode> EvaluateAsync(string project)
    {
        var (exitCode, output) = await RunAsync(
            "msbuild",
            Path.Combine(Repository.Root, project),
            "-t:ComputeContainerConfig",
            "-getProperty:ContainerBaseImage,ContainerUser,ContainerRepository,ContainerImageTag",
            "-getItem:ContainerPort,ContainerEnvironmentVariable,ContainerDefaultArgs");
        Assert.True(exitCode == 0, output);
        return JsonNode.Parse(output)!;
    }

    /// <summary>Builds the image of a project that is already built, on a base of the registry's.</summary>
    public static async Task<ContainerImage> BuildAsync(string project, ThrowAwayRegistry registry, string baseImage)
    {
        var folder = Directory.CreateTempSubdirectory("payouts-image-").FullName;
        var archive = Path.Combine(folder, "image.tar");
        var (exitCode, output) = await RunAsync(
            "publish",
            Path.Combine(Repository.Root, project),
            "--no-build",
            "--configuration",
            new DirectoryInfo(Repository.BuildOutput(project)).Parent!.Name,
            "-t:PublishContainer",
            "-nodeReuse:false",
            $"-p:PublishDir={folder}/published/",
            $"-p:ContainerBaseImage={registry.Name}/{baseImage}",
            $"-p:ContainerArchiveOutputPath={archive}");
        Assert.True(exitCode == 0, output);
        await TarFile.ExtractToDirectoryAsync(archive, folder, overwriteFiles: true);
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "manifest.json")))![0]!;
        var image = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, manifest["Config"]!.GetValue<string>())))!;
        var read = new ContainerImage(
            Texts(manifest["RepoTags"]!),
            image["config"]!,
            Texts(image["rootfs"]!["diff_ids"]!),
            [.. FilesOf(Path.Combine(folder, Texts(manifest[nameof(Layers)]!)[^1]))]);
        Directory.Delete(folder, recursive: true);
        return read;
    }

    public static IReadOnlyList<string> Texts(JsonNode array) => [.. array.AsArray().Select(item => item!.GetValue<string>())];

    private static IEnumerable<string> FilesOf(string layer)
    {
        using var tar = new TarReader(new GZipStream(File.OpenRead(layer), CompressionMode.Decompress));
        while (tar.GetNextEntry() is { } entry)
            yield return entry.Name;
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var dotnet = ChildProcess.Start("dotnet", arguments);
        return (await dotnet.WaitAsync(), dotnet.Output);
    }
}
