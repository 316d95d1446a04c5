using System.Text.RegularExpressions;

namespace PayoutManager.Testing;

/// <summary>A Kafka broker in a process of its own, which can be made to fall silent for a while.</summary>
public sealed partial class BrokerProcess : IDisposable
{
    private readonly ChildProcess _process;

    private BrokerProcess(ChildProcess process, string bootstrapServers)
    {
        _process = process;
        BootstrapServers = bootstrapServers;
    }

    /// <summary>Where clients find it.</summary>
    public string BootstrapServers { get; }

    /// <summary>Starts one on a free port.</summary>
    public static async Task<BrokerProcess> StartAsync()
    {
        // .NET handles SIGCONT on any thread, and librdkafka's mock cluster closes for good when that interrupts its poll. A
        // process that blocks the signal goes on all the same.
        var process = ChildProcess.Start(
            "env",
            [
                "--block-signal=CONT",
                "dotnet",
                Path.Combine(Repository.BuildOutput("src/Sandbox"), "PayoutManager.Sandbox.dll"),
                "broker",
            ]);
        return new BrokerProcess(process, (await process.UntilPrintedAsync(Address())).Groups[1].Value);
    }

    /// <summary>It answers nobody any more.</summary>
    public void Pause() => _process.Signal("STOP");

    /// <summary>It goes on where it was.</summary>
    public void Resume() => _process.Signal("CONT");

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    [GeneratedRegex(@"up at (\S+);")]
    private static partial Regex Address();
}
