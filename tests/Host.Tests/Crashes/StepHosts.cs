using PayoutManager.Application.Events;
using PayoutManager.Host.Tests.Operating;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;
using Thrift.Protocol;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Crashes;

/// <summary>Hosts on common peers, of which some are to die at a step, and the calls that bring them there.</summary>
public sealed class StepHosts : IAsyncLifetime
{
    /// <summary>The exit code of a process that SIGKILL ended.</summary>
    private const int Killed = 137;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>For calls that are never answered.</summary>
    private static readonly TimeSpan Impatience = TimeSpan.FromSeconds(2);

    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private HostProcess? _survivor;
    private int _payouts;

    public PostgresPeers Peers { get; private set; } = null!;

    public async Task InitializeAsync() => Peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync()
    {
        _survivor?.Dispose();
        _http.Dispose();
        await Peers.DisposeAsync();
    }

    /// <summary>A payout id that was not used before. The ledger then answers in one form or the other, by turns.</summary>
    public string NewId()
    {
        Peers.Sandbox.Accounter.Form = ++_payouts % 2 == 0 ? LedgerForm.Declared : LedgerForm.Deployed;
        return $"step-{_payouts}";
    }

    /// <summary>Starts a host that recovers what others leave behind, and may itself die at a step.</summary>
    public async Task<HostProcess> StartAsync(string? killAt = null)
    {
        var host = Start(killAt, TimeSpan.FromSeconds(0.2));
        await host.UntilReadyAsync();
        return host;
    }

    /// <summary>A host that lives through all tests.</summary>
    public async Task<HostProcess> SurvivorAsync() => _survivor ??= await StartAsync();

    /// <summary>Starts a host that dies of taking over what another has left behind.</summary>
    public async Task DieOfRecoveryAsync(string step)
    {
        using var host = Start(step, TimeSpan.FromSeconds(0.2));
        await AssertDeadAsync(host);
    }

    /// <summary>Starts a host that is to die at a step of a call; it does not look for what others leave behind.</summary>
    public async Task<HostProcess> StartVictimAsync(string step)
    {
        var victim = Start(step, TimeSpan.FromMinutes(5));
        await victim.UntilReadyAsync();
        return victim;
    }

    /// <summary>Waits until a host sends the events of all lanes.</summary>
    public Task UntilSenderAsync(HostProcess host) => host.UntilAsync(async () =>
        (await Metrics.ReadAsync(_http, host.ManagementUrl)).Sum("payouts_relay_lanes") == EventLane.Count);

    /// <summary>Makes a call to a host that dies of it.</summary>
    public async Task DieAsync(string step, string method, TBase args)
    {
        using var victim = await StartVictimAsync(step);
        await DieAsync(victim, method, args);
    }

    /// <summary>Makes a call to a host that dies of it.</summary>
    public Task DieAsync(HostProcess victim, string method, TBase args) => DieAsync(victim, method, args, Patience);

    /// <summary>Makes a call, of which the host dies while the ledger's answers are lost.</summary>
    public async Task DieInSilenceAsync(string step, string method, TBase args)
    {
        using var victim = await StartVictimAsync(step);
        Peers.Sandbox.Faults.Settings = new FaultSettings
        {
            Rate = 1,
            Kinds = [Fault.AnswerLost],
            Path = Peers.Sandbox.ShumwayUrl.AbsolutePath,
        };
        try
        {
            await DieAsync(victim, method, args, Impatience);
        }
        finally
        {
            Peers.Sandbox.Faults.Settings = new FaultSettings();
        }
    }

    public static async Task AssertDeadAsync(HostProcess host) => Assert.True(await host.WaitAsync() == Killed, host.Output);

    /// <summary>Makes a call until it is answered.</summary>
    internal Task<TResult> InsistAsync<TResult>(HostProcess host, string method, TBase args)
        where TResult : TBase, new() =>
        new StormCaller(0, _ => new StormCaller.Target(_http, host.ThriftUrl)).InsistAsync<TResult>(method, args);

    internal async Task CreateAsync(HostProcess host, string id) => Assert.NotNull(
        (await InsistAsync<Calls.CreatePayout_result>(host, "CreatePayout", RunningHost.CreateArgs(id, 10_000))).Success);

    /// <summary>Creates a payout on a host that may die before it answers.</summary>
    internal async Task TryCreateAsync(HostProcess host, string id)
    {
        WoodyContext.Current = WoodyContext.NewRoot() with { Deadline = TimeProvider.System.GetUtcNow() + Patience };
        try
        {
            await new WoodyClient(_http, host.ThriftUrl, Patience * 5, TimeProvider.System).CallAsync<Calls.CreatePayout_result>(
                "CreatePayout", RunningHost.CreateArgs(id, 10_000), CancellationToken.None);
        }
        catch (WoodyCallException)
        {
            // Its event is stored and sent before the answer.
        }
    }

    internal async Task ConfirmAsync(HostProcess host, string id) => Assert.Null(
        (await InsistAsync<Calls.ConfirmPayout_result>(
            host, "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = id })).Ex1);

    internal async Task CancelAsync(HostProcess host, string id) => Assert.Null(
        (await InsistAsync<Calls.CancelPayout_result>(
            host, "CancelPayout", new Calls.CancelPayout_args { PayoutId = id, Details = "why" })).Ex1);

    internal async Task<PayoutStatus?> GetStatusAsync(HostProcess host, string id) =>
        (await InsistAsync<Calls.GetPayout_result>(host, "GetPayout", new Calls.GetPayout_args { PayoutId = id })).Success?.Status;

    /// <summary>Checks that payout, ledger and events are what they must be once nothing is under way.</summary>
    internal async Task CheckAsync(HostProcess host, string id, PayoutStatus? status)
    {
        var aftermath = new Aftermath(Peers);
        await aftermath.SettleAsync();
        Assert.Equal(status, await GetStatusAsync(host, id));
        aftermath.CheckLedger(status is null ? [] : new Dictionary<string, PayoutStatus> { [id] = status }, id);
    }

    private HostProcess Start(string? killAt, TimeSpan scanInterval) => HostProcess.Start(
        Peers,
        ("DOTNET_ENVIRONMENT", "Development"),
        ("Recovery__LeaseDuration", "00:00:01"),
        ("Recovery__ScanInterval", scanInterval.ToString("c")),
        ("Faults__KillAt", killAt ?? ""));

    private async Task DieAsync(HostProcess victim, string method, TBase args, TimeSpan patience)
    {
        WoodyContext.Current = WoodyContext.NewRoot() with { Deadline = TimeProvider.System.GetUtcNow() + patience };
        await Assert.ThrowsAsync<WoodyCallException>(() => new WoodyClient(_http, victim.ThriftUrl, patience * 5, TimeProvider.System)
            .CallAsync<Calls.GetPayout_result>(method, args, CancellationToken.None));
        await AssertDeadAsync(victim);
    }
}
