using System.Text.RegularExpressions;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Crashes.Faults;

/// <summary>The processes of a service that keeps its state elsewhere: they can be killed and frozen, and nothing is forgotten.</summary>
internal sealed partial class Forwarder : IDisposable
{
    private readonly Uri _target;
    private readonly int _port = Ports.Free();
    private ChildProcess _process = null!;

    private Forwarder(Uri target) => _target = target;

    /// <summary>Where the service is to be found.</summary>
    public Uri Url => new UriBuilder(_target) { Port = _port }.Uri;

    public static async Task<Forwarder> StartAsync(Uri target)
    {
        var forwarder = new Forwarder(target);
        await forwarder.StartAgainAsync();
        return forwarder;
    }

    public void Kill() => _process.Dispose();

    public async Task StartAgainAsync()
    {
        _process = ChildProcess.Start("/usr/bin/python3", [FaultStand.Script("forward.py"), $"{_port}", $"{_target.Port}"]);
        await _process.UntilPrintedAsync(Up());
    }

    public void Freeze() => _process.Signal("STOP");

    public void Thaw() => _process.Signal("CONT");

    public void Dispose() => _process.Dispose();

    [GeneratedRegex("up")]
    private static partial Regex Up();
}
