using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Npgsql;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Money;
using PayoutManager.Host.Tests.Crashes;
using PayoutManager.Host.Tests.Crashes.Faults;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;

namespace PayoutManager.Host.Tests;

public sealed class AuditCommandTests(StepHosts hosts, AuditCommandTests.Records records)
    : IClassFixture<StepHosts>, IClassFixture<AuditCommandTests.Records>
{
    [Fact]
    public async Task It_asks_the_ledger_and_tells_what_it_does_not_agree_with()
    {
        var host = await hosts.SurvivorAsync();
        var since = TimeProvider.System.GetUtcNow().ToString("O");
        var (held, confirmed, moved) = (hosts.NewId(), hosts.NewId(), hosts.NewId());
        foreach (var id in (string[])[held, confirmed, moved])
            await hosts.CreateAsync(host, id);
        await hosts.ConfirmAsync(host, confirmed);
        await new Aftermath(hosts.Peers).SettleAsync();
        var fine = await AuditRunner.RunProcessAsync(HostProcess.EnvironmentOf(hosts.Peers, []), "--since", since);
        Assert.Equal((0, ""), (fine.ExitCode, Failures(fine)));
        Assert.Equal("3 payouts looked at: all agree.", fine.Output);
        Assert.Matches(@"^3 payouts looked at, \d+ a second, up to 20\d\d-[-0-9T:.]+Z, 0 do not agree …$", fine.Errors);

        // As a predecessor's crash between ledger and database leaves it.
        Commit(moved);
        var before = Plans();
        var audit = await AuditRunner.RunAsync(hosts.Peers, "--payout", moved, "--repair", "--by", "olga", "--reason", "ticket 7");

        Assert.Equal(1, audit.ExitCode);
        Assert.Contains($"PlanNotHeld: The payout is unpaid, and the ledger refuses to hold plan payout_{moved}", audit.Output, StringComparison.Ordinal);
        Assert.EndsWith("1 payout looked at: 1 does not agree.", audit.Output, StringComparison.Ordinal);
        Assert.Equal(before, Plans());
        await hosts.ConfirmAsync(host, moved);
    }

    [Fact]
    public async Task With_the_ledger_s_database_it_repairs_what_a_crash_has_left()
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        Commit(id);
        await WriteDownAsync(id, "COMMIT");
        string[] of = ["--payout", id];

        var audit = await AuditAsync([.. of, "--dry-run"]);
        Assert.Equal(1, audit.ExitCode);
        Assert.Contains($"PayoutBehind: The payout is unpaid, and plan payout_{id} is committed.", audit.Output, StringComparison.Ordinal);
        Assert.Contains("would confirm the payout", audit.Output, StringComparison.Ordinal);
        Assert.Equal(new PayoutStatus.unpaid(new PayoutUnpaid()), await hosts.GetStatusAsync(host, id));

        // Asked to do it and not to do it, it does not.
        Assert.Equal(1, (await AuditAsync([.. of, "--repair", "--dry-run"])).ExitCode);
        Assert.Equal(new PayoutStatus.unpaid(new PayoutUnpaid()), await hosts.GetStatusAsync(host, id));

        var repaired = await AuditRunner.RunProcessAsync(Environment, [.. of, "--repair", "--by", "olga", "--reason", "ticket 7"]);
        Assert.Equal(0, repaired.ExitCode);
        Assert.Contains("done: confirm the payout", repaired.Output, StringComparison.Ordinal);
        Assert.EndsWith("1 payout looked at: all agree.", repaired.Output, StringComparison.Ordinal);
        Assert.Contains($"Repaired payout {id}: confirm the payout", repaired.Errors, StringComparison.Ordinal);
        Assert.Contains("asked for by olga: ticket 7", repaired.Errors, StringComparison.Ordinal);
        Assert.Equal(["olga ticket 7"], await StoredActorsAsync(id));
        Assert.Equal(new PayoutStatus.confirmed(new PayoutConfirmed()), await hosts.GetStatusAsync(host, id));
    }

    [Fact]
    public async Task A_row_that_somebody_has_edited_moves_nothing()
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        await Sql.ExecuteAsync(hosts.Peers.ConnectionString, $"UPDATE pm.payout SET status = 'CONFIRMED' WHERE payout_id = '{id}'");
        var before = Plans();

        var audit = await AuditRunner.RunAsync(hosts.Peers, "--payout", id, "--repair", "--by", "olga", "--reason", "ticket 7");

        Assert.Equal(1, audit.ExitCode);
        Assert.Contains("EventDiffers: Event 0 shows the payout unpaid", audit.Output, StringComparison.Ordinal);
        Assert.Contains("The ledger was not asked, because row, events and topic disagree.", audit.Output, StringComparison.Ordinal);
        Assert.Equal(before, Plans());
        await Sql.ExecuteAsync(hosts.Peers.ConnectionString, $"UPDATE pm.payout SET status = 'UNPAID' WHERE payout_id = '{id}'");
    }

    [Fact]
    public async Task Json_has_the_report_and_nothing_else()
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await hosts.ConfirmAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        await WriteDownAsync(id, "HOLD");

        var audit = await AuditAsync(["--payout", id, "--json", "--dry-run"]);

        using var json = JsonDocument.Parse(audit.Output);
        var root = json.RootElement;
        Assert.Equal(
            [
                "finished", "result", "exitCode", "error", "dryRun", "payoutCount", "underWay", "disagreeing", "notKnown", "notAnswered",
                "notListed", "repairsDone", "repairsNotDone", "repairsUnknown", "payouts",
            ],
            root.EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            (true, "SomeDisagree", 1, true, 1, 1),
            (root.GetProperty("finished").GetBoolean(), root.GetProperty("result").GetString(), root.GetProperty("exitCode").GetInt32(),
                root.GetProperty("dryRun").GetBoolean(), root.GetProperty("payoutCount").GetInt32(), root.GetProperty("disagreeing").GetInt32()));
        var payout = Assert.Single(root.GetProperty("payouts").EnumerateArray());
        Assert.Equal(id, payout.GetProperty("payoutId").GetString());
        Assert.Equal(JsonValueKind.Null, payout.GetProperty("repair").ValueKind);
        Assert.Equal("Database", payout.GetProperty("found").GetProperty("ledger").GetString());
        var disagreement = Assert.Single(payout.GetProperty("found").GetProperty("disagreements").EnumerateArray());
        Assert.Equal("LedgerBehind", disagreement.GetProperty("kind").GetString());
        Assert.Equal(
            $$"""{"action":"Commit","description":"commit plan payout_{{id}}","planId":"payout_{{id}}","fromSequenceId":null}""",
            JsonSerializer.Serialize(Assert.Single(disagreement.GetProperty("repairs").EnumerateArray())));

        var repaired = await AuditAsync(["--payout", id, "--json", "--repair", "--by", "olga", "--reason", "ticket 7"]);
        using var after = JsonDocument.Parse(repaired.Output);
        var repair = Assert.Single(after.RootElement.GetProperty("payouts").EnumerateArray()).GetProperty("repair");
        Assert.Equal(("olga", "ticket 7"), (repair.GetProperty("by").GetString(), repair.GetProperty("reason").GetString()));
        Assert.Equal("Commit", Assert.Single(repair.GetProperty("done").EnumerateArray()).GetProperty("action").GetString());
        // A commit adds no event with which it could be stored.
        Assert.Contains($"Repaired payout {id}: commit plan payout_{id}; asked for by olga: ticket 7", repaired.Errors, StringComparison.Ordinal);
        Assert.Empty(await StoredActorsAsync(id));
    }

    [Fact]
    public async Task What_the_topic_lacks_is_sent_again_on_request_and_only_told_in_a_dry_run()
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        // A topic to which nothing was ever sent.
        var environment = HostProcess.EnvironmentOf(hosts.Peers, [("Kafka__Topic", "lost")]);

        var audit = await AuditRunner.RunAsync(environment, "--payout", id, "--dry-run");
        Assert.Equal(1, audit.ExitCode);
        Assert.Contains("NotPublished: The broker has acknowledged event 0, and the topic does not have it.", audit.Output, StringComparison.Ordinal);
        Assert.Contains("would send the payout's events again from event 0", audit.Output, StringComparison.Ordinal);
        Assert.Equal([], await OutboxAsync());

        var repaired = await AuditRunner.RunAsync(environment, "--payout", id, "--repair", "--by", "olga", "--reason", "ticket 7");
        Assert.Contains("done: send the payout's events again from event 0", repaired.Output, StringComparison.Ordinal);
        await new Aftermath(hosts.Peers).SettleAsync();
        Topic.ReadUntil(hosts.Peers.BootstrapServers, KafkaOptions.DefaultTopic, read => read.Count(r => r.PayoutId == id) == 2);

        Task<IReadOnlyList<string>> OutboxAsync() => Sql.QueryAsync(
            hosts.Peers.ConnectionString, $"SELECT payout_id FROM pm.event_outbox WHERE payout_id = '{id}'");
    }

    [Fact]
    public async Task A_money_back_that_cannot_be_asked_for_has_a_code_of_its_own()
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await hosts.ConfirmAsync(host, id);
        await hosts.CancelAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        var before = Plans();

        var audit = await AuditRunner.RunAsync(hosts.Peers, "--payout", id);
        Assert.Equal(7, audit.ExitCode);
        Assert.Contains("not known, RevertUnknown", audit.Output, StringComparison.Ordinal);
        Assert.EndsWith("1 payout looked at: 1 cannot be known.", audit.Output, StringComparison.Ordinal);

        // The repair asks by committing it, which is what its state demands.
        var repaired = await AuditRunner.RunAsync(hosts.Peers, "--payout", id, "--repair", "--by", "olga", "--reason", "ticket 7");
        Assert.Equal(0, repaired.ExitCode);
        Assert.Equal(before, Plans());
    }

    /// <summary>Whatever else agrees, what was not compared is not said to agree.</summary>
    [Fact]
    public async Task What_is_being_changed_is_said_not_to_be_compared()
    {
        var host = await hosts.SurvivorAsync();
        var since = TimeProvider.System.GetUtcNow().ToString("O");
        var (settled, changing) = (hosts.NewId(), hosts.NewId());
        foreach (var id in (string[])[settled, changing])
            await hosts.CreateAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        await Sql.ExecuteAsync(
            hosts.Peers.ConnectionString,
            $"INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, request) VALUES ('{changing}', 'confirm', 1, 'other', now() + interval '1 hour', '{{}}')");
        try
        {
            var one = await AuditRunner.RunAsync(hosts.Peers, "--payout", changing, "--repair", "--by", "olga", "--reason", "ticket 7");
            Assert.Equal(8, one.ExitCode);
            Assert.Equal(
                [$"payout {changing}", "  It is being changed and was not compared.", "1 payout looked at, not finished: 1 is being changed and was not compared."],
                one.Output.Split('\n'));
            Assert.Equal("The audit is not finished: of 1 payout 1 is being changed and was not compared.", one.Errors);

            var many = await AuditRunner.RunAsync(hosts.Peers, "--since", since);
            Assert.Equal(8, many.ExitCode);
            Assert.Contains($"payout {changing}", many.Output, StringComparison.Ordinal);
            Assert.EndsWith("2 payouts looked at, not finished: 1 agrees, 1 is being changed and was not compared.", many.Output, StringComparison.Ordinal);

            using var json = JsonDocument.Parse((await AuditRunner.RunAsync(hosts.Peers, "--since", since, "--json")).Output);
            var root = json.RootElement;
            Assert.Equal(
                (false, "SomeUnderWay", 8, 2, 1),
                (root.GetProperty("finished").GetBoolean(), root.GetProperty("result").GetString(), root.GetProperty("exitCode").GetInt32(),
                    root.GetProperty("payoutCount").GetInt32(), root.GetProperty("underWay").GetInt32()));
            var payout = Assert.Single(root.GetProperty("payouts").EnumerateArray());
            Assert.Equal(changing, payout.GetProperty("payoutId").GetString());
            Assert.True(payout.GetProperty("found").GetProperty("underWay").GetBoolean());
        }
        finally
        {
            await Sql.ExecuteAsync(hosts.Peers.ConnectionString, $"DELETE FROM pm.payout_operation WHERE payout_id = '{changing}'");
        }
    }

    [Theory]
    [InlineData("there-is-no-such-payout")]
    [InlineData("")]
    public async Task A_payout_that_does_not_exist_does_not_agree(string id)
    {
        await hosts.SurvivorAsync();

        var audit = await AuditRunner.RunAsync(hosts.Peers, "--payout", id);

        Assert.Equal((2, "", $"There is no payout {id}.".Trim()), (audit.ExitCode, audit.Output, audit.Errors));
    }

    [Fact]
    public async Task There_is_nothing_embedded_to_audit()
    {
        var audit = await AuditRunner.RunProcessAsync(new Dictionary<string, string> { ["DOTNET_ENVIRONMENT"] = "Development" });

        Assert.Equal(2, audit.ExitCode);
        Assert.Contains("an audit needs a database, dependencies and a broker that are configured", audit.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', audit.Errors);
    }

    /// <summary>Each of them is told in one line, with a code of its own, and no secret.</summary>
    [Theory]
    [InlineData("ConnectionStrings__Payouts", "Host=127.0.0.1;Port=PORT;Username=u;Password=secret", 3, "The audit is not finished: The database cannot be reached.")]
    [InlineData("Audit__LedgerDatabase", "Host=127.0.0.1;Port=PORT;Username=u;Password=secret", 4, "The audit is not finished: The ledger's database cannot be read.")]
    [InlineData("Shumway__Url", "http://127.0.0.1:PORT/shumpune", 4, "The audit is not finished: the ledger could not be asked: ")]
    [InlineData("Kafka__BootstrapServers", "127.0.0.1:PORT", 5, "The audit is not finished: The topic cannot be read")]
    [InlineData("Audit__LedgerDatabase", "nonsense", 2, "The configuration cannot be used: Audit:LedgerDatabase: is not a connection string of Postgres")]
    public async Task What_cannot_be_asked_is_named(string key, string value, int exitCode, string error)
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        value = value.Replace("PORT", $"{Ports.Free()}", StringComparison.Ordinal);
        var environment = HostProcess.EnvironmentOf(hosts.Peers, [(key, value)]);

        var audit = await AuditRunner.RunAsync(environment, "--payout", id, "--json");

        Assert.Equal(exitCode, audit.ExitCode);
        Assert.StartsWith(error, audit.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', audit.Errors);
        Assert.DoesNotContain("secret", audit.Errors + audit.Output, StringComparison.Ordinal);
        if (exitCode == 2)
            return;
        using var json = JsonDocument.Parse(audit.Output);
        Assert.False(json.RootElement.GetProperty("finished").GetBoolean());
        Assert.Equal((exitCode, audit.Errors), (json.RootElement.GetProperty("exitCode").GetInt32(), json.RootElement.GetProperty("error").GetString()));
    }

    [Fact]
    public async Task It_takes_no_longer_than_it_may()
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        var nobody = HostProcess.EnvironmentOf(hosts.Peers, [("Shumway__Url", $"http://127.0.0.1:{Ports.Free()}/shumpune")]);

        var audit = await AuditRunner.RunAsync(nobody, "--payout", id, "--timeout", "00:00:03");

        Assert.Equal((6, "The audit is not finished: its time of 00:00:03 is up."), (audit.ExitCode, audit.Errors));
    }

    /// <summary>
    /// The ledger takes the call that repairs, and never answers it. However the run is ended, what was found, and that the repair may be
    /// done, is in the report.
    /// </summary>
    [Theory]
    [InlineData("time", "its time of 00:00:15 is up.")]
    [InlineData("INT", "it was interrupted.")]
    [InlineData("TERM", "it was interrupted.")]
    public async Task A_repair_that_gets_no_answer_ends_and_is_told(string end, string reason)
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await hosts.ConfirmAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        await WriteDownAsync(id, "HOLD");
        using var silence = new TcpListener(IPAddress.Loopback, 0);
        silence.Start();
        var environment = Environment;
        environment["Shumway__Url"] = $"http://{silence.LocalEndpoint}/shumpune";
        string[] timeout = end == "time" ? ["--timeout", "00:00:15"] : [];
        string[] arguments = ["audit", "--payout", id, "--repair", "--by", "olga", "--reason", "ticket 7", "--json", .. timeout];
        string[] signals = end == "time" ? [] : [$"--default-signal={end}"];
        using var audit = ChildProcess.Start("env", [.. signals, "dotnet", HostProcess.Program, .. arguments], environment);
        // The first byte is the repair's call, which from then on may be done.
        using var connected = await silence.AcceptTcpClientAsync();
        Assert.Equal(1, await connected.GetStream().ReadAsync(new byte[1]));
        if (end != "time")
            audit.Signal(end);

        Assert.Equal(11, await audit.WaitAsync());
        Assert.EndsWith($"The audit is not finished: {reason} Not known whether done: 1 repair.", audit.StandardError, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(audit.StandardOutput);
        var root = json.RootElement;
        Assert.Equal(
            (false, "RepairUnknown", 11, 1, 1, 0, 0, 1),
            (root.GetProperty("finished").GetBoolean(), root.GetProperty("result").GetString(), root.GetProperty("exitCode").GetInt32(),
                root.GetProperty("payoutCount").GetInt32(), root.GetProperty("disagreeing").GetInt32(),
                root.GetProperty("repairsDone").GetInt32(), root.GetProperty("repairsNotDone").GetInt32(),
                root.GetProperty("repairsUnknown").GetInt32()));
        var payout = Assert.Single(root.GetProperty("payouts").EnumerateArray());
        Assert.Equal("LedgerBehind", Assert.Single(payout.GetProperty("found").GetProperty("disagreements").EnumerateArray()).GetProperty("kind").GetString());
        var repair = payout.GetProperty("repair");
        Assert.Equal(JsonValueKind.Null, repair.GetProperty("after").ValueKind);
        var failed = repair.GetProperty("failed");
        Assert.Equal(
            ("Commit", $"payout_{id}", "Unknown"),
            (failed.GetProperty("action").GetString(), failed.GetProperty("planId").GetString(), failed.GetProperty("outcome").GetString()));
        Assert.Equal($"{failed.GetProperty("description")}: {failed.GetProperty("reason")}", repair.GetProperty("failure").GetString());
    }

    [Fact]
    public async Task A_repair_ends_in_time_also_where_neither_ledger_nor_database_answers()
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        Commit(id);
        await WriteDownAsync(id, "COMMIT");
        var connection = new NpgsqlConnectionStringBuilder(hosts.Peers.ConnectionString);
        using var database = await Forwarder.StartAsync(new Uri($"http://{connection.Host}:{connection.Port}"));
        connection.Port = database.Url.Port;
        using var silence = new TcpListener(IPAddress.Loopback, 0);
        silence.Start();
        var environment = Environment;
        environment["Shumway__Url"] = $"http://{silence.LocalEndpoint}/shumpune";
        environment["ConnectionStrings__Payouts"] = connection.ConnectionString;
        string[] arguments = ["audit", "--payout", id, "--repair", "--by", "olga", "--reason", "ticket 7", "--timeout", "00:00:15"];
        using var audit = ChildProcess.Start("dotnet", [HostProcess.Program, .. arguments], environment);
        // The operation is written down, and the ledger is asked.
        using var connected = await silence.AcceptTcpClientAsync();
        Assert.Equal(1, await connected.GetStream().ReadAsync(new byte[1]));
        database.Freeze();

        Assert.Equal(11, await audit.WaitAsync());
        Assert.EndsWith("The audit is not finished: its time of 00:00:15 is up. Not known whether done: 1 repair.", audit.StandardError, StringComparison.Ordinal);
        Assert.Contains("  not known whether done: confirm the payout", audit.StandardOutput, StringComparison.Ordinal);
        Assert.EndsWith("1 payout looked at, not finished: 1 does not agree.", audit.StandardOutput, StringComparison.Ordinal);
        // What it left behind is finished by a host.
        await new Aftermath(hosts.Peers).SettleAsync();
        Assert.Equal(new PayoutStatus.confirmed(new PayoutConfirmed()), await hosts.GetStatusAsync(host, id));
    }

    [Fact]
    public async Task A_repair_that_fails_has_a_line_and_a_code_of_its_own()
    {
        var host = await hosts.SurvivorAsync();
        var id = hosts.NewId();
        await hosts.CreateAsync(host, id);
        await new Aftermath(hosts.Peers).SettleAsync();
        await WriteDownAsync(id, "COMMIT");
        // The ledger is not as its database says.
        hosts.Peers.Sandbox.Accounter.Rollback(hosts.Peers.Sandbox.Accounter.GetPlan($"payout_{id}"));

        var audit = await AuditAsync("--payout", id, "--repair", "--by", "olga", "--reason", "ticket 7");

        Assert.Equal(10, audit.ExitCode);
        Assert.Matches(
            $"""
            ^payout {id}
              PayoutBehind: The payout is unpaid, and plan payout_{id} is committed.
              not done: confirm the payout, .*: The ledger refused plan payout_{id}: .*
            repairs: 0 done, 1 not done, 0 not known whether done
            1 payout looked at: 1 does not agree.$
            """,
            audit.Output);
        Assert.EndsWith("\nNot done: 1 repair.", audit.Errors, StringComparison.Ordinal);
        await hosts.CancelAsync(host, id);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task Interrupted_it_says_so(string signal)
    {
        await hosts.SurvivorAsync();
        using var silence = new TcpListener(IPAddress.Loopback, 0);
        silence.Start();
        var environment = HostProcess.EnvironmentOf(hosts.Peers, [("Kafka__BootstrapServers", $"{silence.LocalEndpoint}")]);
        // Whoever runs in the background of a shell, as these tests may, inherits that the interrupt is ignored.
        using var audit = ChildProcess.Start("env", [$"--default-signal={signal}", "dotnet", HostProcess.Program, "audit"], environment);
        // Whoever has connected reads the topic.
        using var connected = await silence.AcceptTcpClientAsync();

        audit.Signal(signal);

        Assert.Equal(130, await audit.WaitAsync());
        Assert.Equal("The audit is not finished: it was interrupted.", audit.StandardError);
    }

    /// <summary>A configuration with the ledger's database.</summary>
    private Dictionary<string, string> Environment =>
        HostProcess.EnvironmentOf(hosts.Peers, [("Audit__LedgerDatabase", records.Ledger.ConnectionString)]);

    private Task<AuditOutcome> AuditAsync(params IEnumerable<string> arguments) => AuditRunner.RunAsync(Environment, arguments);

    /// <summary>Who asked for a change of a payout with a reason, as its events' rows have it.</summary>
    private Task<IReadOnlyList<string>> StoredActorsAsync(string payoutId) => Sql.QueryAsync(
        hosts.Peers.ConnectionString,
        $"SELECT actor || ' ' || reason FROM pm.payout_event WHERE payout_id = '{payoutId}' AND reason IS NOT NULL");

    private IReadOnlyList<string> Plans() =>
        [.. hosts.Peers.Plans("").Select(plan => $"{plan.Key} {plan.Value}").Order(StringComparer.Ordinal)];

    private void Commit(string payoutId) =>
        hosts.Peers.Sandbox.Accounter.Commit(hosts.Peers.Sandbox.Accounter.GetPlan($"payout_{payoutId}"));

    /// <summary>Writes a payout's plan into the ledger's database, with the postings of the sandbox.</summary>
    private Task WriteDownAsync(string payoutId, string operation)
    {
        var plan = hosts.Peers.Sandbox.Accounter.GetPlan($"payout_{payoutId}");
        return records.Ledger.PutAsync(
            LedgerPlan.Restore(
                plan.Id,
                plan.BatchList!.SelectMany(batch => batch.Postings!).Select(p => new LedgerPosting(
                    p.FromId, p.ToId, new Cash(p.Amount, new Currency(p.CurrencySymCode!)), p.Description!))),
            operation);
    }

    /// <summary>What it said beside the report and its progress.</summary>
    private static string Failures(AuditOutcome audit) =>
        string.Join('\n', audit.Errors.Split('\n').Where(line => !line.EndsWith('…')));

    /// <summary>The ledger's own database.</summary>
    public sealed class Records : IAsyncLifetime
    {
        public LedgerDatabase Ledger { get; private set; } = null!;

        public async Task InitializeAsync() => Ledger = await LedgerDatabase.CreateAsync();

        public Task DisposeAsync() => Task.CompletedTask;
    }
}
