using PayoutManager.Host.Tests.Operating;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Testing;
using Xunit.Abstractions;

namespace PayoutManager.Host.Tests.Crashes.Faults;

/// <summary>
/// Everything that a host works with fails in every way that makes sense for it, one after the other, while callers call two hosts. Both
/// hosts live, say what is wrong and that it is over, and nothing that a caller was told turns out false.
/// </summary>
public sealed class FaultMatrixTests(ITestOutputHelper output)
{
    /// <summary>Promised are 5 s; whether a machine with other work keeps to that is in the report.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>How long callers feel it at least.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1.5);

    /// <summary>By hand, the faults whose names contain this, such as <c>broker</c> or <c>disk full</c>.</summary>
    private static readonly string Chosen = Environment.GetEnvironmentVariable("PAYOUTS_FAULTS") ?? "";

    private const int TopicAuthorizationFailed = 29;
    private const int NotEnoughReplicas = 19;
    private const int StorageError = 56;

    private readonly List<DateTime> _disturbances = [];
    private readonly List<string> _failures = [];

    [Fact]
    public async Task Each_part_fails_in_each_way_and_no_host_ends_and_no_answer_was_false()
    {
        await using var stand = await FaultStand.StartAsync();
        stand.StartLoad();
        var began = TimeProvider.System.GetTimestamp();

        foreach (var cell in Cells(stand).Where(cell => $"{cell}".Contains(Chosen, StringComparison.Ordinal)))
            await TryAsync(stand, cell);
        var took = TimeProvider.System.GetElapsedTime(began);

        output.WriteLine(stand.Output);
        var told = await stand.EndLoadAsync();
        var aftermath = new Aftermath(stand.Peers);
        var settled = await aftermath.SettleAsync();
        await aftermath.CheckPayoutsAsync(told, stand.AskAsync);
        aftermath.CheckLedger(told, "storm-");
        var audit = await AuditRunner.RunAsync(stand.Peers);
        Assert.True(audit.FoundNothing, $"{audit}");
        var (records, duplicates) = await aftermath.CheckEventsAsync(told, _disturbances);
        Assert.NotEmpty(told);
        Report.Write(
            output,
            $"Fault matrix: {took.TotalSeconds:F0} s for all of them; {told.Count} payouts, {records} events, {duplicates} of them sent again; "
            + $"everything finished {settled.TotalSeconds:F1} s after the last answer");
        Assert.DoesNotContain("   at ", stand.Output, StringComparison.Ordinal);
        Assert.Empty(_failures);
    }

    private static IEnumerable<Cell> Cells(FaultStand stand)
    {
        const string notReady = "not ready";
        const string degraded = "degraded";
        var (postgres, role, broker, hosts) = (stand.Postgres, stand.Role, stand.Broker, stand.Hosts);
        IAsyncDisposable? held = null;

        yield return new Cell("database", "killed", Do(postgres.Kill), postgres.StartAgainAsync, notReady, "out of reach");
        yield return new Cell("database", "frozen", Do(postgres.Freeze), Do(postgres.Thaw), notReady, "out of reach");
        yield return new Cell("database", "restarted", postgres.RestartAsync, Nothing);
        yield return new Cell("database", "statements cancelled", () => RepeatAsync(role.CancelStatementsAsync), Nothing);
        yield return new Cell("database", "sessions ended", () => RepeatAsync(role.EndSessionsAsync), Nothing);
        yield return new Cell(
            "database",
            "rights revoked",
            () => role.AdministrateInsideAsync($"REVOKE ALL ON ALL TABLES IN SCHEMA pm FROM {HostRole.Name}"),
            () => role.AdministrateInsideAsync($"GRANT ALL ON ALL TABLES IN SCHEMA pm TO {HostRole.Name}"),
            notReady,
            "42501: permission denied for table ");
        yield return new Cell(
            "database", "tables locked", async () => held = await role.LockTablesAsync(), () => held!.DisposeAsync().AsTask(), degraded, "55P03", "background");
        yield return new Cell(
            "database",
            "rows locked",
            async () => held = await role.LockAsync("SELECT FROM pm.relay_lane FOR UPDATE; SELECT FROM pm.relay_host FOR UPDATE; SELECT FROM pm.payout FOR UPDATE"),
            () => held!.DisposeAsync().AsTask(),
            degraded,
            "55P03",
            "background");
        if (stand.Disk is { } disk)
            yield return new Cell("database", "disk full", Do(disk.Fill), Do(disk.Free), degraded, "cannot write: 53100");
        yield return new Cell(
            "database",
            "no connection left",
            async () =>
            {
                await role.AdministrateAsync($"ALTER ROLE {HostRole.Name} CONNECTION LIMIT 0");
                await role.EndSessionsAsync();
            },
            () => role.AdministrateAsync($"ALTER ROLE {HostRole.Name} CONNECTION LIMIT -1"),
            notReady,
            "53300");
        yield return new Cell(
            "database", "read-only", () => SetReadOnlyAsync("on"), () => SetReadOnlyAsync("off"), notReady, "read-only");

        yield return new Cell("broker", "down", broker.GoDownAsync, broker.ComeUpAsync, degraded, "Local: ");
        yield return new Cell("broker", "frozen", Do(broker.Freeze), Do(broker.Thaw), degraded, "Local: ");
        yield return new Cell(
            "broker",
            "restarted",
            async () =>
            {
                await broker.GoDownAsync();
                await broker.ComeUpAsync();
            },
            Nothing);
        yield return new Cell(
            "broker", "rights revoked", () => broker.RefuseAsync(TopicAuthorizationFailed), broker.AcceptAsync, degraded, "", "relay");
        yield return new Cell("broker", "disk full", () => broker.RefuseAsync(StorageError), broker.AcceptAsync, degraded, "", "relay");
        yield return new Cell(
            "broker", "too few replicas", () => broker.RefuseAsync(NotEnoughReplicas), broker.AcceptAsync, degraded, "", "relay");

        foreach (var (part, service, path) in ((string, Forwarder, string)[])
            [("partyManagement", stand.PartyManagement, stand.Peers.Sandbox.PartyManagementUrl.AbsolutePath), ("shumway", stand.Shumway, stand.Peers.Sandbox.ShumwayUrl.AbsolutePath)])
        {
            yield return new Cell(part, "killed", Do(service.Kill), service.StartAgainAsync, degraded, "out of reach");
            yield return new Cell(part, "frozen", Do(service.Freeze), Do(service.Thaw), degraded, "out of reach");
            yield return new Cell(
                part,
                "restarted",
                async () =>
                {
                    service.Kill();
                    await service.StartAgainAsync();
                },
                Nothing);
            yield return new Cell(
                part,
                "fails all calls",
                () => FailAsync(new FaultSettings { Rate = 1, Kinds = [Fault.Undeclared, Fault.UndeclaredAfterEffect], Path = path }),
                () => FailAsync(new FaultSettings()),
                degraded,
                "fails every call: HTTP 500");
        }

        yield return new Cell("host", "killed", Do(() => hosts[0].Signal("KILL")), () => StartAsync(0));
        // Longer than the leases of its operations and lanes.
        yield return new Cell("host", "frozen", Do(() => hosts[1].Signal("STOP")), Do(() => hosts[1].Signal("CONT"))) { Lasts = TimeSpan.FromSeconds(4) };
        yield return new Cell(
            "host",
            "restarted",
            async () =>
            {
                hosts[1].Terminate();
                Assert.Equal(0, await hosts[1].WaitAsync());
                await StartAsync(1);
            },
            Nothing);

        Task SetReadOnlyAsync(string value) => Sql.ExecuteAsync(
            $"{postgres.ConnectionString};Options=-c default_transaction_read_only=off",
            $"ALTER SYSTEM SET default_transaction_read_only = {value}").ContinueWith(
                _ => role.AdministrateAsync("SELECT pg_reload_conf()"), TaskScheduler.Default).Unwrap();

        Task FailAsync(FaultSettings settings)
        {
            stand.Peers.Sandbox.Faults.Settings = settings;
            return Task.CompletedTask;
        }

        Task StartAsync(int i)
        {
            stand.Replace(i);
            return Task.CompletedTask;
        }
    }

    private static readonly Func<Task> Nothing = () => Task.CompletedTask;

    private static Func<Task> Do(Action action) => () =>
    {
        action();
        return Task.CompletedTask;
    };

    private static async Task RepeatAsync(Func<Task> strike)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < Shortest)
            await strike();
    }

    /// <summary>Lets a part fail until the hosts say so, then waits until they say that it is over.</summary>
    private async Task TryAsync(FaultStand stand, Cell cell)
    {
        stand.Answers.Take();
        var began = TimeProvider.System.GetTimestamp();
        _disturbances.Add(Now());
        await cell.Begin();
        var named = cell.Status is null ? null : await UntilAsync(stand, cell.IsShownBy);
        while (TimeProvider.System.GetElapsedTime(began) < cell.Lasts)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        var said = await SayAsync(stand);
        var reaching = cell.Peer is { } peer ? await stand.CountReachingAsync(peer) : 0;
        await cell.End();
        _disturbances.Add(Now());
        var cleared = await UntilAsync(stand, ready => ready.Body["status"] == "ready");
        if (cell.Status is not null && named is null)
            _failures.Add($"{cell}: is not named, but hosts say: {said}");
        if (cleared is null)
            _failures.Add($"{cell}: is not over, hosts say: {await SayAsync(stand)}");
        if (cell.Peer is not null && (reaching, await stand.CountReachingAsync(cell.Peer)) is not (0, 2))
            _failures.Add($"{cell}: payouts_peer_up does not show it, or not its end");
        _failures.AddRange(stand.Hosts.Where(host => host.HasExited).Select(host => $"{cell}: a host has ended: {host.Output}"));
        // Whatever was waited for until then is answered.
        var answers = string.Join(", ", stand.Answers.Take().OrderBy(answer => answer.Key).Select(answer => $"{answer.Key} ×{answer.Value}"));
        Report.Write(
            output,
            $"Fault matrix | {cell.Part} | {cell.Fault} | {(cell.Status is null ? "" : $"named after {Seconds(named)}")} | {said} | ready after {Seconds(cleared)} | {answers}");
    }

    private static async Task<TimeSpan?> UntilAsync(FaultStand stand, Func<Readiness, bool> isSo)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < Patience)
        {
            var answers = await Task.WhenAll(stand.Hosts.Select(stand.ReadAsync));
            if (answers.All(answer => answer is not null && isSo(answer)))
                return TimeProvider.System.GetElapsedTime(began);
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

        return null;
    }

    private static async Task<string> SayAsync(FaultStand stand)
    {
        var answers = await Task.WhenAll(stand.Hosts.Select(stand.ReadAsync));
        return string.Join(" / ", answers.Select(answer => answer is null ? "no answer" : Describe(answer)).Distinct()).ReplaceLineEndings(" ");
    }

    /// <summary>Its status, and the parts that are not well.</summary>
    private static string Describe(Readiness ready) => string.Join(
        "; ", ready.Body.Where(part => part.Value != "ok").Select(part => part.Key == "status" ? part.Value : $"{part.Key}: {part.Value}"));

    private static string Seconds(TimeSpan? time) => time is { } known ? $"{known.TotalSeconds:F1} s" : "never";

    private static DateTime Now() => TimeProvider.System.GetUtcNow().UtcDateTime;

    /// <summary>A way for a part to fail.</summary>
    /// <param name="Part">What fails.</param>
    /// <param name="Fault">How.</param>
    /// <param name="Begin">Makes it so.</param>
    /// <param name="End">Ends it.</param>
    /// <param name="Status">What every host says meanwhile; null where it is too short to be seen, or is nothing that a host must see.</param>
    /// <param name="Says">What it says of the part, or the beginning of that.</param>
    /// <param name="ShownAs">The part of a host's answer that shows it, if not the part itself.</param>
    private sealed record Cell(
        string Part, string Fault, Func<Task> Begin, Func<Task> End, string? Status = null, string Says = "", string? ShownAs = null)
    {
        public bool IsShownBy(Readiness ready) =>
            ready.Body["status"] == Status && ready.Body[ShownAs ?? Part] is var said && said != "ok" && said.Contains(Says, StringComparison.Ordinal);

        /// <summary>How long it lasts at least.</summary>
        public TimeSpan Lasts { get; init; } = Shortest;

        /// <summary>The metric's name for the part, where hosts show the fault as the part's own.</summary>
        public string? Peer => Status is not null && ShownAs is null ? (Part == "partyManagement" ? "party-management" : Part) : null;

        public override string ToString() => $"{Part} {Fault}";
    }
}
