using MediatR;
using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Audit;

/// <summary>
/// Compares the next payouts in the order of <see cref="AuditPosition"/> with their events, their records in the topic and the ledger: as many as
/// one reading of the topic serves, in pages. Whoever wants more asks again from where this has ended.
/// </summary>
/// <param name="After">The place after which to begin.</param>
/// <param name="Scope">Whether payouts without events follow those that have some.</param>
/// <remarks>
/// Nothing is changed but what <see cref="LedgerQuestions"/> says. What is kept in memory is limited, whatever the number of payouts and the
/// length of the topic. Throws <see cref="AuditUnfinishedException"/> where database or topic, or the ledger's database, cannot be read. Where the
/// ledger gives no answer, the page says so; the stretch ends early where the ledger is out of reach.
/// </remarks>
public sealed record AuditStretchQuery(AuditPosition After, AuditScope Scope = AuditScope.Changes) : IRequest<AuditedStretch>
{
    /// <summary>How long ago, by the database's clock, a change was stored at the least. Zero for all that can be seen.</summary>
    public TimeSpan Margin { get; init; }

    /// <summary>Is given each page once it is audited. The next one waits for it.</summary>
    public Func<AuditedPage, CancellationToken, Task> OnPage { get; init; } = (_, _) => Task.CompletedTask;
}

/// <summary>A page of payouts that were looked at.</summary>
/// <param name="Audits">
/// What came of each; of those that have changed again since nothing, unless something is wrong: they are looked at with their later change.
/// </param>
/// <param name="Since">When the first change of the page was stored.</param>
/// <param name="UpTo">All up to here is audited, this page included.</param>
/// <param name="LedgerIsOutOfReach">Whether the ledger gave no answer at all, so that the page has to be audited again.</param>
public sealed record AuditedPage(
    IReadOnlyList<PayoutAudit> Audits, DateTimeOffset Since, AuditPosition UpTo, bool LedgerIsOutOfReach = false);

/// <summary>What came of auditing a stretch.</summary>
/// <param name="UpTo">All up to here is audited.</param>
/// <param name="IsAtEnd">Whether there was nothing more at that time.</param>
/// <param name="LedgerIsOutOfReach">Whether it ended early because the ledger gave no answer.</param>
public sealed record AuditedStretch(AuditPosition UpTo, bool IsAtEnd, bool LedgerIsOutOfReach);

internal sealed class AuditStretchHandler(PayoutAuditor auditor, AuditOptions options) : IRequestHandler<AuditStretchQuery, AuditedStretch>
{
    private const int PageSize = 200;

    // How many payouts are looked through together for those without events, and how often in a stretch.
    private const int SearchSize = 1000;
    private const int MostSearches = 100;

    public Task<AuditedStretch> Handle(AuditStretchQuery query, CancellationToken cancellationToken) =>
        query.After.PayoutId is null
            ? AuditChangesAsync(query, cancellationToken)
            : AuditPayoutsWithoutEventsAsync(query, cancellationToken);

    private async Task<AuditedStretch> AuditChangesAsync(AuditStretchQuery query, CancellationToken cancellationToken)
    {
        var found = await auditor.ListChangesAsync(query.After, query.Margin, options.StretchSize, cancellationToken);
        var isLast = found.Changes.Count < options.StretchSize;
        // What is stored at the very instant of the horizon from now on comes after it.
        var end = isLast && found.Horizon > query.After.StoredAt ? AuditPosition.At(found.Horizon)
            : found.Changes is [.., var last] ? PositionOf(last)
            : query.After;
        var othersFollow = isLast && query.Scope == AuditScope.All;
        if (othersFollow)
            end = end with { PayoutId = "" };

        var done = query.After;
        if (found.Changes.Count > 0)
        {
            var topic = await auditor.ReadTopicAsync(found.Changes, areLast: isLast, cancellationToken);
            var pages = found.Changes.Chunk(PageSize).ToList();
            foreach (var page in pages)
            {
                var subjects = page.GroupBy(change => change.PayoutId)
                    .Select(changes => new AuditSubject(changes.Key, changes.Max(change => change.SequenceId)))
                    .ToList();
                var (audits, ledgerIsOutOfReach) = await auditor.AuditAsync(subjects, topic, cancellationToken);
                var upTo = page == pages[^1] ? end : PositionOf(page[^1]);
                await query.OnPage(
                    new AuditedPage(
                        [.. audits.Where(audit => audit is { IsSuperseded: false } or { IsWorthTelling: true } or { AwaitsBroker: true })], page[0].StoredAt, upTo, ledgerIsOutOfReach),
                    cancellationToken);
                if (ledgerIsOutOfReach)
                    return new AuditedStretch(done, IsAtEnd: false, LedgerIsOutOfReach: true);
                done = upTo;
            }
        }
        else if (end != query.After)
        {
            await query.OnPage(new AuditedPage([], query.After.StoredAt, end), cancellationToken);
        }

        return new AuditedStretch(end, isLast && !othersFollow, LedgerIsOutOfReach: false);
    }

    private async Task<AuditedStretch> AuditPayoutsWithoutEventsAsync(AuditStretchQuery query, CancellationToken cancellationToken)
    {
        var found = new List<QuietPage>();
        var last = query.After.PayoutId!;
        var isAtEnd = false;
        while (!isAtEnd && found.Count < MostSearches && found.Sum(page => page.WithoutEvents.Count) < options.StretchSize)
        {
            var page = await auditor.ListWithoutEventsAsync(last, SearchSize, cancellationToken);
            isAtEnd = page.Last is null;
            last = page.Last ?? last;
            found.Add(page);
        }

        var done = query.After;
        var end = query.After with { PayoutId = last };
        var payouts = found.SelectMany(page => page.WithoutEvents).ToList();
        // What a predecessor has told the topic, whenever that was.
        var topic = payouts is [] ? TopicViews.Unread : await auditor.ReadWholeTopicAsync(payouts, cancellationToken);
        foreach (var page in payouts.Chunk(PageSize))
        {
            var (audits, ledgerIsOutOfReach) = await auditor.AuditAsync(
                [.. page.Select(id => new AuditSubject(id, SequenceId: null))], topic, cancellationToken);
            var upTo = query.After with { PayoutId = page[^1].Value };
            await query.OnPage(new AuditedPage(audits, query.After.StoredAt, upTo, ledgerIsOutOfReach), cancellationToken);
            if (ledgerIsOutOfReach)
                return new AuditedStretch(done, IsAtEnd: false, LedgerIsOutOfReach: true);
            done = upTo;
        }

        if (done != end)
            await query.OnPage(new AuditedPage([], query.After.StoredAt, end), cancellationToken);
        return new AuditedStretch(end, isAtEnd, LedgerIsOutOfReach: false);
    }

    private static AuditPosition PositionOf(PayoutChange change) => new(change.StoredAt, change.EventId);
}
