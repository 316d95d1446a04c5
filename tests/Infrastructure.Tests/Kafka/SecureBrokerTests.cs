using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Kafka;

/// <summary>TLS and SASL are librdkafka's; what is ours is that configuration reaches it. A listener sees what it sends.</summary>
public sealed class SecureBrokerTests : IDisposable
{
    private const short SaslHandshake = 17;
    private const short ApiVersions = 18;
    private const short SaslAuthenticate = 36;

    private readonly ThrowAwayAuthority _authority = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public SecureBrokerTests() => _listener.Start();

    public void Dispose()
    {
        _listener.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task Credentials_are_sent_over_tls_to_a_broker_of_a_private_authority()
    {
        var said = ServeAsync();
        using var probe = new KafkaProbe(OptionsTrusting(_authority));

        var fault = await Task.Run(probe.FindFault);

        Assert.Equal("PLAIN, then \0payouts\0secret", await said.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.NotNull(fault);
    }

    [Fact]
    public async Task A_broker_of_another_authority_learns_nothing()
    {
        using var other = new ThrowAwayAuthority();
        var said = ServeAsync();
        using var probe = new KafkaProbe(OptionsTrusting(other));

        Assert.NotNull(await Task.Run(probe.FindFault));
        var broken = await Assert.ThrowsAnyAsync<Exception>(() => said.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(broken is AuthenticationException or IOException, broken.ToString());
    }

    private KafkaOptions OptionsTrusting(ThrowAwayAuthority authority) => new()
    {
        BootstrapServers = $"localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}",
        Properties = new Dictionary<string, string>
        {
            ["security.protocol"] = "sasl_ssl",
            ["ssl.ca.location"] = authority.Path,
            ["sasl.mechanism"] = "PLAIN",
            ["sasl.username"] = "payouts",
            ["sasl.password"] = "secret",
            ["broker.address.family"] = "v4",
        },
    };

    /// <summary>Answers as a broker does until the client has said who it is.</summary>
    private async Task<string> ServeAsync()
    {
        using var client = await _listener.AcceptTcpClientAsync();
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsServerAsync(_authority.IssueForServer().Load());
        var mechanism = "";
        while (true)
        {
            var request = await ReadAsync(tls);
            var (api, version) = (Short(request, 0), Short(request, 2));
            var body = request[(10 + Math.Max((short)0, Short(request, 8)))..];
            switch (api)
            {
                case ApiVersions:
                    // Of newer versions it knows nothing, and says so in the oldest.
                    await WriteAsync(tls, request, [.. Big(version == 0 ? (short)0 : (short)35), 0, 0, 0, 3,
                        .. Big(ApiVersions), .. Big(0), .. Big(0), .. Big(SaslHandshake), .. Big(0), .. Big(1), .. Big(SaslAuthenticate), .. Big(0), .. Big(0)]);
                    break;
                case SaslHandshake:
                    mechanism = Encoding.ASCII.GetString(body[2..]);
                    await WriteAsync(tls, request, [.. Big(0), 0, 0, 0, 1, .. Big(5), .. "PLAIN"u8]);
                    break;
                default:
                    Assert.Equal(SaslAuthenticate, api);
                    return $"{mechanism}, then {Encoding.ASCII.GetString(body[4..])}";
            }
        }
    }

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        var length = new byte[4];
        await stream.ReadExactlyAsync(length);
        var request = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(request);
        return request;
    }

    private static async Task WriteAsync(Stream stream, byte[] request, byte[] body)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, body.Length + 4);
        await stream.WriteAsync((byte[])[.. length, .. request.AsSpan(4, 4), .. body]);
    }

    private static short Short(byte[] bytes, int at) => BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(at));

    private static byte[] Big(short value) => [(byte)(value >> 8), (byte)value];
}
