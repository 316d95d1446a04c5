using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Crashes.Faults;

/// <summary>A broker in a process of its own that goes down and comes back with all that it has, freezes, and refuses what it is sent.</summary>
internal sealed partial class MockBroker : IDisposable
{
    private readonly ChildProcess _process;
    private readonly int _control;

    private MockBroker(ChildProcess process, string bootstrapServers, int control)
    {
        _process = process;
        _control = control;
        BootstrapServers = bootstrapServers;
    }

    public string BootstrapServers { get; }

    public static async Task<MockBroker> StartAsync()
    {
        // Of several builds, the one that works on this system.
        Assert.NotEqual(0, Library.Version);
        var librdkafka = Process.GetCurrentProcess().Modules.Cast<ProcessModule>()
            .First(module => module.ModuleName.Contains("librdkafka", StringComparison.Ordinal)).FileName;
        var process = ChildProcess.Start("/usr/bin/python3", [FaultStand.Script("broker.py"), librdkafka, KafkaOptions.DefaultTopic]);
        var up = await process.UntilPrintedAsync(Up());
        return new MockBroker(process, up.Groups[1].Value, int.Parse(up.Groups[2].Value, CultureInfo.InvariantCulture));
    }

    /// <summary>Closes all connections and takes no others.</summary>
    public Task GoDownAsync() => TellAsync("down");

    public Task ComeUpAsync() => TellAsync("up");

    /// <summary>Answers every request to produce with an error of the protocol.</summary>
    public Task RefuseAsync(int code) => TellAsync($"refuse {code}");

    public Task AcceptAsync() => TellAsync("accept");

    public void Freeze() => _process.Signal("STOP");

    public void Thaw() => _process.Signal("CONT");

    public void Dispose() => _process.Dispose();

    private async Task TellAsync(string command)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, _control);
        await using var stream = connection.GetStream();
        await using var writer = new StreamWriter(stream);
        await writer.WriteLineAsync(command);
        await writer.FlushAsync();
        using var reader = new StreamReader(stream);
        Assert.Equal("done", await reader.ReadLineAsync());
    }

    [GeneratedRegex(@"up at (\S+), told at (\d+)")]
    private static partial Regex Up();
}
