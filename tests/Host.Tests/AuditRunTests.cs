using MediatR;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Host.Audit;

namespace PayoutManager.Host.Tests;

public sealed class AuditRunTests
{
    private static readonly Disagreement Wrong = new(DisagreementKind.PlanMissing, "It is gone.");

    private static readonly Repair Commit = new(RepairAction.Commit, "x", Attempt: 1);
    private static readonly Disagreement Repairable = Wrong with { Repairs = [Commit] };

    private readonly FakeTimeProvider _clock = new();
    private readonly StringWriter _told = new();

    [Fact]
    public async Task All_is_counted_and_only_the_first_are_listed()
    {
        var run = new AuditRun(new AuditArguments { IsAll = true, IsJson = true }, _told, _clock);
        var pages = Enumerable.Range(0, 150).Select(page => PageOf(Enumerable.Range(page * 200, 200).Select(n => n % 2 == 0
            ? Audit(n, disagreements: Wrong)
            : new PayoutAudit(IdOf(n), IsUnderWay: false, LedgerLook.Calls, [], [Wrong]))));

        await run.RunAsync(new Auditor(pages), CancellationToken.None);

        Assert.Equal((30_000, AuditRun.MostListed, 20_000), (run.Payouts, run.Listed.Count, run.NotListed));
        Assert.Equal(
            new AuditCounts { Disagreeing = 15_000, NotKnown = 15_000, OnlyNotKnown = 15_000, WorthTelling = 30_000 }, run.Counts);
        Assert.True(run.IsFinished);
        Assert.Equal("", $"{_told}");
        using var text = new StringWriter();
        AuditText.Write(text, run);
        Assert.EndsWith(
            "20000 more are not listed\n30000 payouts looked at: 15000 do not agree, 15000 cannot be known.\n", $"{text}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_payout_that_is_looked_at_twice_counts_as_it_was_at_last()
    {
        var run = new AuditRun(new AuditArguments { IsAll = true }, _told, _clock);

        await run.RunAsync(
            new Auditor([PageOf([Audit(1, Wrong), Audit(2, Wrong)]), PageOf([Audit(2), Audit(3)])]), CancellationToken.None);

        Assert.Equal(3, run.Payouts);
        Assert.Equal(new AuditCounts { Disagreeing = 1, WorthTelling = 1 }, run.Counts);
    }

    [Fact]
    public async Task It_tells_how_far_it_is_once_in_a_second()
    {
        var run = new AuditRun(new AuditArguments { IsAll = true }, _told, _clock);
        var pages = Enumerable.Range(0, 30).Select(page =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(400));
            return PageOf([Audit(page, page == 3 ? [Wrong] : [])]);
        });

        await run.RunAsync(new Auditor(pages), CancellationToken.None);

        var lines = $"{_told}".TrimEnd('\n').Split('\n');
        Assert.Equal(10, lines.Length);
        Assert.Equal("1 payout looked at, 2 a second, up to 2026-01-31T00:00:00.000000Z, 0 do not agree …", lines[0]);
        Assert.Equal("28 payouts looked at, 2 a second, up to 2026-01-31T00:00:00.000000Z, 1 does not agree …", lines[^1]);
    }

    /// <summary>Where a repair ends the run, all of its page is in the report, with what was repaired by then.</summary>
    [Fact]
    public async Task What_was_found_and_repaired_is_there_where_a_repair_ends_the_run()
    {
        var run = new AuditRun(new AuditArguments { IsAll = true, IsJson = true, RepairFor = new Actor("olga", "ticket 7") }, _told, _clock);
        var (one, two, three) = (Audit(1, Repairable), Audit(2, Repairable), Audit(3, Repairable));
        var auditor = new Auditor([PageOf([one, two, three])])
        {
            Repairs =
            {
                new RepairReport(one, [Commit], null, Audit(1)),
                new RepairReport(two, [], new FailedRepair(Commit, MayBeDone: true, "no answer"), null) { BrokenOffBy = new TimeoutException("over") },
            },
        };

        var e = await Assert.ThrowsAsync<TimeoutException>(() => run.RunAsync(auditor, CancellationToken.None));

        Assert.Equal("over", e.Message);
        Assert.Equal((3, false), (run.Payouts, run.IsFinished));
        Assert.Equal(
            new AuditCounts { Disagreeing = 2, WorthTelling = 2, RepairsDone = 1, RepairsUnknown = 1 }, run.Counts);
        using var text = new StringWriter();
        AuditText.Write(text, run);
        Assert.Equal(
            """
            payout p1
              PlanMissing: It is gone.
              done: commit plan x
              after the repair it agrees
            payout p2
              PlanMissing: It is gone.
              not known whether done: commit plan x: no answer
              after the repair it was not compared
            payout p3
              PlanMissing: It is gone.
            repairs: 1 done, 0 not done, 1 not known whether done
            3 payouts looked at, not finished: 2 do not agree.

            """,
            $"{text}");
    }

    /// <summary>A repair that changes the payout makes it come again.</summary>
    [Fact]
    public async Task What_was_repaired_stays_in_the_report_when_the_payout_comes_again()
    {
        var run = new AuditRun(new AuditArguments { IsAll = true, RepairFor = new Actor("olga", "ticket 7") }, _told, _clock);
        var failed = new FailedRepair(Commit, MayBeDone: false, "refused");
        var auditor = new Auditor([PageOf([Audit(1, Repairable)]), PageOf([Audit(1, Repairable)]), PageOf([Audit(1)])])
        {
            Repairs =
            {
                new RepairReport(Audit(1, Repairable), [Commit], failed, Audit(1, Repairable)),
                new RepairReport(Audit(1, Repairable), [Commit], null, Audit(1)),
            },
        };

        await run.RunAsync(auditor, CancellationToken.None);

        Assert.Equal(new AuditCounts { RepairsDone = 2 }, run.Counts);
        var payout = Assert.Single(run.Listed);
        Assert.Equal([Commit, Commit], payout.Repair!.Done);
        Assert.Null(payout.Repair.Failure);
        Assert.True(payout.Latest.Agrees);
    }

    private static PayoutId IdOf(int n) => new($"p{n}");

    private static PayoutAudit Audit(int n, params IReadOnlyList<Disagreement> disagreements) =>
        new(IdOf(n), IsUnderWay: false, LedgerLook.Calls, disagreements, []);

    private static AuditedPage PageOf(IEnumerable<PayoutAudit> audits) => new(
        [.. audits], DateTimeOffset.UnixEpoch, AuditPosition.At(new DateTimeOffset(2026, 1, 31, 0, 0, 0, TimeSpan.Zero)));

    /// <summary>Audits all payouts, page by page.</summary>
    private sealed class Auditor(IEnumerable<AuditedPage> pages) : IMediator
    {
        /// <summary>What comes of repairs, in order.</summary>
        public List<RepairReport> Repairs { get; } = [];

        public async Task<TResponse> Send<TResponse>(IRequest<TResponse> request, CancellationToken cancellationToken = default)
        {
            if (request is RepairPayoutCommand)
            {
                var repaired = Repairs[0];
                Repairs.RemoveAt(0);
                return (TResponse)(object)repaired;
            }

            foreach (var page in pages)
                await ((AuditAllCommand)(object)request).OnPage(page, cancellationToken);
            return (TResponse)(object)new AuditedStretch(AuditPosition.Beginning, IsAtEnd: true, LedgerIsOutOfReach: false);
        }

        public Task Send(IRequest request, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task Publish(object notification, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task Publish<TNotification>(TNotification notification, CancellationToken cancellationToken = default)
            where TNotification : INotification => throw new NotSupportedException();
    }
}
