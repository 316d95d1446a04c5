using System.Globalization;
using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage.Sqlite;

/// <summary>What the audit asks of SQLite.</summary>
internal sealed class SqliteAudit(Func<PayoutDbContext> open) : IAuditStatements
{
    // As the database's own clock writes it, so that texts compare as times.
    private const string TimeFormat = "yyyy-MM-dd HH:mm:ss.fff";

    public async Task<IReadOnlyList<Payout>> FindAllAsync(string[] payoutIds, CancellationToken cancellationToken)
    {
        await using var context = open();
        var found = await context.Payouts
            .AsNoTracking()
            .Where(payout => payoutIds.Contains(payout.PayoutId))
            .Select(payout => new
            {
                Row = payout,
                Postings = context.Postings.Where(posting => posting.PayoutId == payout.PayoutId).OrderBy(posting => posting.Id).ToList(),
            })
            .ToListAsync(cancellationToken);
        return found.ConvertAll(payout => PayoutRows.ToPayout(payout.Row, payout.Postings));
    }

    public async Task<ChangePage> ListChangesAsync(
        AuditPosition after, TimeSpan margin, int limit, CancellationToken cancellationToken)
    {
        await using var context = open();
        var horizon = (await NowAsync(context, cancellationToken)) - margin;
        var (from, until) = (Text(after.StoredAt), Text(horizon));
        var changes = await context.Events
            .FromSql(
                $"""
                SELECT * FROM payout_event
                WHERE (stored_at, id) > ({from}, {after.EventId}) AND stored_at < {until}
                ORDER BY stored_at, id LIMIT {limit}
                """)
            .AsNoTracking()
            .Select(e => new { e.PayoutId, e.SequenceId, e.StoredAt, e.Id })
            .ToListAsync(cancellationToken);
        return new ChangePage(
            [
                .. changes.OrderBy(e => e.StoredAt).ThenBy(e => e.Id)
                    .Select(e => new PayoutChange(PayoutId.Restore(e.PayoutId), e.SequenceId, Utc(e.StoredAt), e.Id)),
            ],
            // What is cut off is not beyond it.
            Utc(DateTime.ParseExact(until, TimeFormat, CultureInfo.InvariantCulture)));
    }

    public async Task<AuditState> ReadProgressAsync(string scope, CancellationToken cancellationToken)
    {
        await using var context = open();
        var row = await context.AuditProgress
            .AsNoTracking()
            .Where(p => p.Scope == scope)
            .Select(p => new
            {
                Row = p,
                // The sum gives the value a type that can be read.
                Now = DatabaseClock.Now().AddSeconds(0),
                IsFree = p.LeaseUntil == null || p.LeaseUntil <= DatabaseClock.Now(),
            })
            .SingleAsync(cancellationToken);
        return new AuditState(Utc(row.Now), PositionOf(row.Row), row.IsFree);
    }

    public async Task<AuditPosition?> LeaseAsync(string scope, string owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var context = open();
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var ofScope = context.AuditProgress.Where(p => p.Scope == scope);
        var leased = await ofScope
            .Where(p => p.Owner == owner || p.LeaseUntil == null || p.LeaseUntil <= DatabaseClock.Now())
            .ExecuteUpdateAsync(
                p => p
                    .SetProperty(r => r.Owner, owner)
                    .SetProperty(r => r.LeaseUntil, r => DatabaseClock.Now().AddSeconds(lease.TotalSeconds)),
                cancellationToken);
        AuditPosition? position = leased == 1 ? PositionOf(await ofScope.AsNoTracking().SingleAsync(cancellationToken)) : null;
        await transaction.CommitAsync(cancellationToken);
        return position;
    }

    public async Task<bool> AdvanceAsync(
        string scope, string owner, AuditPosition from, AuditPosition upTo, CancellationToken cancellationToken)
    {
        await using var context = open();
        var (fromTime, toTime) = (Text(from.StoredAt), Text(upTo.StoredAt));
        return await context.Database.ExecuteSqlAsync(
            $"""
            UPDATE audit_progress SET stored_at = {toTime}, event_id = {upTo.EventId}, payout_id = {upTo.PayoutId}
            WHERE scope = {scope} AND owner = {owner} AND strftime('%Y-%m-%d %H:%M:%f', stored_at) = {fromTime}
                AND event_id = {from.EventId} AND payout_id IS {from.PayoutId}
            """,
            cancellationToken) == 1;
    }

    public async Task<bool> ReleaseAsync(string scope, string owner, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await context.AuditProgress
            .Where(p => p.Scope == scope && p.Owner == owner)
            .ExecuteUpdateAsync(
                p => p.SetProperty(r => r.Owner, (string?)null).SetProperty(r => r.LeaseUntil, (DateTime?)null), cancellationToken) == 1;
    }

    public async Task<AuditFindingCounts> CountFindingsAsync(CancellationToken cancellationToken)
    {
        await using var context = open();
        return new AuditFindingCounts(
            await context.AuditFindings.CountAsync(f => f.Disagrees, cancellationToken),
            await context.AuditFindings.CountAsync(f => !f.Disagrees, cancellationToken));
    }

    public async Task<IReadOnlyList<AuditFinding>> ListFindingsAsync(
        DateTimeOffset seenBefore, string after, int limit, CancellationToken cancellationToken)
    {
        await using var context = open();
        var rows = await context.AuditFindings
            .AsNoTracking()
            .Where(f => f.PayoutId.CompareTo(after) > 0 && f.LastSeenAt < seenBefore.UtcDateTime)
            .OrderBy(f => f.PayoutId)
            .Take(limit)
            .ToListAsync(cancellationToken);
        return rows.ConvertAll(row => new AuditFinding(
            new NewAuditFinding(PayoutId.Restore(row.PayoutId), row.Kind, row.Description, row.Disagrees, Utc(row.Since)),
            Utc(row.FirstSeenAt),
            Utc(row.LastSeenAt)));
    }

    public async Task<bool> StoreFindingAsync(NewAuditFinding finding, CancellationToken cancellationToken)
    {
        await using var context = open();
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var ofPayout = context.AuditFindings.Where(f => f.PayoutId == finding.PayoutId.Value);
        var before = await ofPayout.AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        if (before is null)
        {
            context.AuditFindings.Add(new AuditFindingRow
            {
                PayoutId = finding.PayoutId.Value,
                Kind = finding.Kind,
                Description = finding.Description,
                Disagrees = finding.Disagrees,
                Since = finding.Since.UtcDateTime,
            });
            await context.SaveChangesAsync(cancellationToken);
        }
        else
        {
            var since = finding.Since < Utc(before.Since) ? finding.Since.UtcDateTime : before.Since;
            await ofPayout.ExecuteUpdateAsync(
                f => f
                    .SetProperty(r => r.Kind, finding.Kind)
                    .SetProperty(r => r.Description, finding.Description)
                    .SetProperty(r => r.Disagrees, finding.Disagrees)
                    .SetProperty(r => r.Since, since)
                    .SetProperty(r => r.LastSeenAt, r => DatabaseClock.Now()),
                cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return before?.Kind != finding.Kind;
    }

    public async Task<int> RemoveFindingsAsync(string[] payoutIds, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await context.AuditFindings.Where(f => payoutIds.Contains(f.PayoutId)).ExecuteDeleteAsync(cancellationToken);
    }

    private static async Task<DateTimeOffset> NowAsync(PayoutDbContext context, CancellationToken cancellationToken) => Utc(
        await context.RelayLanes.Where(l => l.Lane == 0).Select(_ => DatabaseClock.Now().AddSeconds(0)).SingleAsync(cancellationToken));

    private static AuditPosition PositionOf(AuditProgressRow row) => new(Utc(row.StoredAt), row.EventId, row.PayoutId);

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    private static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));
}
