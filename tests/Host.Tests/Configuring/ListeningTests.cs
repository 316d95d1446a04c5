using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PayoutManager.Host.Commands;
using PayoutManager.Host.Hosting;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Configuring;

public sealed class ListeningTests
{
    /// <summary>Whichever it is, and on whatever of its addresses.</summary>
    [Theory]
    [InlineData("Thrift", "127.0.0.1", "127.0.0.1")]
    [InlineData("Management", "127.0.0.1", "127.0.0.1")]
    [InlineData("Management", "localhost", "127.0.0.1")]
    [InlineData("Management", "*", "127.0.0.1")]
    [InlineData("Thrift", "0.0.0.0", "0.0.0.0")]
    [InlineData("Thrift", "payouts.example", "0.0.0.0")]
    public async Task An_address_that_is_in_use_is_named(string endpoint, string host, string takenAt)
    {
        using var other = new TcpListener(IPAddress.Parse(takenAt), 0);
        other.Start();
        var url = $"http://{host}:{((IPEndPoint)other.LocalEndpoint).Port}";

        var (exit, output, error) = await RunAsync(endpoint, url);

        Assert.Equal(
            (ExitCode.CannotListen, "", $"The host cannot start:\n  Kestrel:Endpoints:{endpoint}:Url: cannot listen at {url}: Address already in use\n"),
            (exit, output, error));
    }

    [Fact]
    public async Task Several_are_named_at_once()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = $"http://127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";
        // Set aside for documentation: no machine has it.
        const string elsewhere = "http://192.0.2.1:8023";

        var (exit, _, error) = await RunAsync("Thrift", taken, $"--Kestrel:Endpoints:Management:Url={elsewhere}");

        Assert.Equal(ExitCode.CannotListen, exit);
        Assert.Equal(
            $"""
            The host cannot start:
              Kestrel:Endpoints:Thrift:Url: cannot listen at {taken}: Address already in use
              Kestrel:Endpoints:Management:Url: cannot listen at {elsewhere}: Cannot assign requested address

            """,
            error);
    }

    /// <summary>It was free when it was looked at.</summary>
    [Fact]
    public async Task An_address_that_is_taken_during_the_start_is_named_too()
    {
        using var other = new TcpListener(IPAddress.Loopback, Ports.Free());
        var url = $"http://{other.LocalEndpoint}";

        var e = await Assert.ThrowsAsync<CannotListenException>(() => PayoutHost.StartAsync(
            SettingsOf("Thrift", url), configure: builder => builder.Services.AddSingleton<IHostedService>(new Taker(other))));

        Assert.Equal($"The host cannot start:\n  Kestrel:Endpoints:Thrift:Url: cannot listen at {url}: Address already in use", e.Message);
    }

    private static async Task<(ExitCode Exit, string Output, string Error)> RunAsync(string endpoint, string url, params string[] more)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await HostCommandLine.RunAsync([.. SettingsOf(endpoint, url), .. more], output, error);
        return (exit, output.ToString(), error.ToString());
    }

    private static string[] SettingsOf(string endpoint, string url) =>
    [
        "--environment=Development", "--Logging:LogLevel:Default=None", "--Kestrel:Endpoints:Thrift:Url=http://127.0.0.1:0",
        "--Kestrel:Endpoints:Management:Url=http://127.0.0.1:0", $"--Kestrel:Endpoints:{endpoint}:Url={url}",
    ];

    private sealed class Taker(TcpListener listener) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            listener.Start();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
