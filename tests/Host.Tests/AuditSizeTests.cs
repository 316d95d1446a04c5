using System.Text.Json;
using PayoutManager.Host.Commands;
using PayoutManager.Host.Tests.Operating;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests;

/// <summary>Audits of more payouts than are compared together, by hosts and by the command.</summary>
public sealed class AuditSizeTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync()
    {
        _peers = await PostgresPeers.StartAsync();
        string[] settings = [.. _peers.Configuration.SelectMany<(string Key, string Value), string>(c => [$"--{c.Key}", c.Value])];
        Assert.Equal(ExitCode.Success, await HostCommandLine.RunAsync(["migrate", .. settings], TextWriter.Null, TextWriter.Null));
        await ExecuteAsync("UPDATE pm.audit_progress SET stored_at = now() - interval '2 hours' WHERE scope = 'changes'");
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _peers.DisposeAsync();
    }

    /// <summary>There is something to find of each payout, so that what was found shows what was audited.</summary>
    [Fact]
    public async Task Of_two_hosts_one_audits_and_when_it_is_killed_the_other_goes_on_and_passes_over_nothing()
    {
        using var one = Start(perSecond: 30);
        using var other = Start(perSecond: 30);
        foreach (var host in (HostProcess[])[one, other])
            await host.UntilAsync(async () => (await ReadAsync(host)).Names.Contains("payouts_audit_age_seconds"));
        await ExecuteAsync("UPDATE pm.audit_progress SET owner = 'nobody', lease_until = now() + interval '1 hour' WHERE scope = 'changes'");
        await StoreAsync(from: 1, to: 700, since: "now() - interval '1 hour'");
        await ExecuteAsync("UPDATE pm.audit_progress SET stored_at = now() - interval '2 hours', lease_until = now() WHERE scope = 'changes'");
        await one.UntilAsync(async () => await CountFoundAsync() >= 200);

        // One has its first page and waits until it may go on; the other has nothing to do, and knows how far that one has come.
        var (ofOne, ofOther) = (await ReadAsync(one), await ReadAsync(other));
        var (first, second) = ofOne.Sum("payouts_audit_payouts_total") > 0 ? (one, other) : (other, one);
        Assert.Equal(0, Math.Min(ofOne.Sum("payouts_audit_payouts_total"), ofOther.Sum("payouts_audit_payouts_total")));
        await second.UntilAsync(async () => (await ReadAsync(second)).Sum("payouts_audit_age_seconds") is > 3000 and < 4000);
        first.Signal("KILL");
        await first.WaitAsync();
        Assert.InRange(await CountFoundAsync(), 200, 600);
        // It has no sign of life for as long as its lease is.
        await ExecuteAsync("UPDATE pm.audit_progress SET lease_until = now() WHERE scope = 'changes'");
        await second.UntilAsync(async () => await CountFoundAsync() == 700);

        await second.UntilAsync(async () =>
            await ReadAsync(second) is var figures
            && figures.Sum("payouts_audit_disagreeing") == 700
            && figures.Sum("payouts_audit_age_seconds") is > 120 and < 150);
        Assert.InRange((await ReadAsync(second)).Sum("payouts_audit_payouts_total"), 100, 500);

        // Another goes on where both have ended, although everything was restarted.
        second.Signal("KILL");
        await second.WaitAsync();
        await ExecuteAsync("UPDATE pm.audit_progress SET lease_until = now() WHERE scope = 'changes'");
        await StoreAsync(from: 701, to: 950, since: "(SELECT stored_at FROM pm.audit_progress WHERE scope = 'changes')");
        using var third = Start(perSecond: 5000);
        await third.UntilAsync(async () => await CountFoundAsync() == 950);
        await third.UntilAsync(async () => (await ReadAsync(third)).Sum("payouts_audit_payouts_total") == 250);
    }

    [Fact]
    public async Task All_payouts_are_audited_on_request_also_a_predecessor_s_and_from_where_it_was_broken_off()
    {
        await StoreAsync(from: 1, to: 450, since: "now() - interval '1 year'");
        await ExecuteAsync("DELETE FROM pm.payout_event WHERE payout_id IN ('p7', 'p8', 'p9')");
        // Three of which the row alone tells, and only calls that can move money could say more.
        await ExecuteAsync("UPDATE pm.payout SET status = 'CANCELLED' WHERE payout_id IN ('p7', 'p8', 'p9')");

        var audit = await AuditRunner.RunAsync(_peers, "--all", "--json");
        using (var json = JsonDocument.Parse(audit.Output))
        {
            var root = json.RootElement;
            Assert.Equal(
                (1, true, 450, 447, 3, 0),
                (audit.ExitCode, root.GetProperty("finished").GetBoolean(), Number("payoutCount"), Number("disagreeing"), Number("notKnown"), Number("notListed")));
            Assert.Equal(450, root.GetProperty("payouts").GetArrayLength());
            Assert.Equal("", audit.Errors);

            int Number(string name) => root.GetProperty(name).GetInt32();
        }

        // As one leaves it that was broken off among those without events.
        await ExecuteAsync("UPDATE pm.audit_progress SET stored_at = now(), event_id = 7, payout_id = 'p7' WHERE scope = 'all'");
        var rest = await AuditRunner.RunAsync(_peers, "--all", "--resume");
        Assert.Equal((7, "2 payouts looked at: 2 cannot be known."), (rest.ExitCode, rest.Output.Split('\n')[^1]));
        Assert.Matches(@"^2 payouts looked at, \d+ a second, up to payouts without events, p9, 0 do not agree …$", rest.Errors.Split('\n')[0]);

        // It has come to its end, so that the next begins anew.
        Assert.Equal(1, (await AuditRunner.RunAsync(_peers, "--all", "--resume")).ExitCode);
        var middle = (await Sql.QueryAsync(
            _peers.ConnectionString, "SELECT (stored_at + interval '100 milliseconds')::text FROM pm.payout_event WHERE payout_id = 'p100'"))[0];
        await ExecuteAsync($"UPDATE pm.audit_progress SET stored_at = '{middle}' WHERE scope = 'all'");
        Assert.EndsWith(
            "254 payouts looked at: 251 do not agree, 3 cannot be known.", (await AuditRunner.RunAsync(_peers, "--all", "--resume")).Output, StringComparison.Ordinal);
        Assert.EndsWith(
            "450 payouts looked at: 447 do not agree, 3 cannot be known.", (await AuditRunner.RunAsync(_peers, "--all")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_audited_of_all_before_the_ledger_fell_silent_need_not_be_audited_again()
    {
        // The ledger is asked only about the last.
        await StoreAsync(from: 1, to: 250, since: "now() - interval '1 year'");
        await ExecuteAsync("DELETE FROM pm.payout_event WHERE payout_id = 'p250'");
        var nobody = HostProcess.EnvironmentOf(_peers, [("Shumway__Url", $"http://127.0.0.1:{Ports.Free()}/shumpune")]);

        var audit = await AuditRunner.RunAsync(nobody, "--all");

        Assert.Equal(1, audit.ExitCode);
        Assert.Matches("The audit is not finished: the ledger could not be asked: .* It has come up to payouts without events: audit --all --resume goes on from there.", audit.Errors);
        Assert.EndsWith(
            "250 payouts looked at, not finished: 249 do not agree, 1 could not be compared with the ledger.", audit.Output, StringComparison.Ordinal);
        var rest = await AuditRunner.RunAsync(_peers, "--all", "--resume");
        Assert.Equal((0, "1 payout looked at: all agree."), (rest.ExitCode, rest.Output));
    }

    [Fact]
    public async Task One_at_a_time_audits_all()
    {
        await ExecuteAsync("UPDATE pm.audit_progress SET owner = 'another', lease_until = now() + interval '1 minute' WHERE scope = 'all'");

        var audit = await AuditRunner.RunAsync(_peers, "--all");

        Assert.Equal((2, "", "Another audit of all payouts is under way."), (audit.ExitCode, audit.Output, audit.Errors));
        // One of those that change goes on all the same.
        Assert.Equal(0, (await AuditRunner.RunAsync(_peers, "--since", "2026-01-31T00:00:00Z")).ExitCode);
    }

    private HostProcess Start(int perSecond) =>
        HostProcess.Start(_peers, ("Audit__Interval", "00:00:01"), ("Audit__PerSecond", $"{perSecond}"));

    private Task<Metrics> ReadAsync(HostProcess host) => Metrics.ReadAsync(_http, host.ManagementUrl);

    private async Task<int> CountFoundAsync() =>
        int.Parse((await Sql.QueryAsync(_peers.ConnectionString, "SELECT count(*)::text FROM pm.audit_finding"))[0]);

    private Task ExecuteAsync(string sql) => Sql.ExecuteAsync(_peers.ConnectionString, sql);

    /// <summary>Payouts whose only event shows something else than their rows, one in each millisecond.</summary>
    private Task StoreAsync(int from, int to, string since) => ExecuteAsync(
        $"""
        INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code)
        SELECT 0, 'p' || n, now(), 'party-1', 'shop-1', 'UNPAID', 'tool-1', 97500, 2500, 'RUB' FROM generate_series({from}, {to}) n;
        INSERT INTO pm.cash_flow_posting (
            payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code)
        SELECT 'p' || n, now(), 10, 'MERCHANT_SETTLEMENT', 12, 'MERCHANT_PAYOUT', 97500, 'RUB' FROM generate_series({from}, {to}) n;
        INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, stored_at, published_at)
        SELECT 'p' || n, 0, now(), '', {since} + (n - {from} + 1) * interval '1 millisecond', 'infinity' FROM generate_series({from}, {to}) n
        """);
}
