namespace PayoutManager.Host.Tests;

/// <summary>One host for all tests of a class, with a database: starting one is most of a test's time.</summary>
public sealed class SharedHost : IAsyncLifetime
{
    private int _ids;

    public PostgresPeers Peers { get; private set; } = null!;

    public RunningHost Host { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Peers = await PostgresPeers.StartAsync();
        Host = await RunningHost.StartAsync(Peers.Configuration);
    }

    public async Task DisposeAsync()
    {
        await Host.DisposeAsync();
        await Peers.DisposeAsync();
    }

    /// <summary>A payout id that no test before has used, and that is no part of another.</summary>
    public string NewId() => $"p{++_ids:D3}";
}
