using Microsoft.EntityFrameworkCore;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage.Sqlite;

/// <summary>How to find and delete what is too old in SQLite, by LINQ. Writers come one after another.</summary>
internal sealed class SqliteRetention(Func<PayoutDbContext> open) : IRetentionStatements
{
    public async Task<IReadOnlyList<OldNote>> ListNotesAsync(
        TimeSpan age, OldNote? after, int limit, CancellationToken cancellationToken)
    {
        await using var context = open();
        var (from, fromId) = after is null ? (DateTime.MinValue, "") : (after.StartedAt, after.PayoutId);
        return await context.Operations
            .Where(o => o.Kind == OperationRow.Spent && o.StartedAt < DatabaseClock.Now().AddSeconds(-age.TotalSeconds))
            .Where(o => o.StartedAt > from || (o.StartedAt == from && string.Compare(o.PayoutId, fromId) > 0))
            .OrderBy(o => o.StartedAt)
            .ThenBy(o => o.PayoutId)
            .Take(limit)
            .Select(o => new OldNote(o.StartedAt, o.PayoutId))
            .ToListAsync(cancellationToken);
    }

    public async Task<int> DeleteNoteAsync(string payoutId, TimeSpan age, int mostAttempts, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await context.Operations
            .Where(o => o.PayoutId == payoutId && o.Kind == OperationRow.Spent && o.Attempt <= mostAttempts)
            .Where(o => o.StartedAt < DatabaseClock.Now().AddSeconds(-age.TotalSeconds))
            .Where(o => !context.Payouts.Any(p => p.PayoutId == o.PayoutId))
            .ExecuteDeleteAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<OldHistory>> ListHistoriesAsync(
        TimeSpan age, OldHistory? after, int limit, CancellationToken cancellationToken)
    {
        await using var context = open();
        var (from, fromId) = after is null ? (DateTime.MinValue, 0) : (after.StoredAt, after.EventId);
        return await context.Events
            .Where(e => e.SequenceId == 0 && e.StoredAt < DatabaseClock.Now().AddSeconds(-age.TotalSeconds))
            .Where(e => e.StoredAt > from || (e.StoredAt == from && e.Id > fromId))
            .OrderBy(e => e.StoredAt)
            .ThenBy(e => e.Id)
            .Take(limit)
            .Select(e => new OldHistory(e.StoredAt, e.Id, e.PayoutId))
            .ToListAsync(cancellationToken);
    }

    public async Task<int> DeleteEventsAsync(IReadOnlyList<string> payoutIds, TimeSpan age, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await context.Events
            .Where(e => payoutIds.Contains(e.PayoutId))
            .Where(e => context.Payouts.Any(p => p.PayoutId == e.PayoutId
                && (p.Status == PayoutState.Confirmed || p.Status == PayoutState.Cancelled)
                && e.SequenceId < p.SequenceId - (p.Status == PayoutState.Cancelled && p.SequenceId > 1 ? 1 : 0)
                && context.Events.Any(latest => latest.PayoutId == p.PayoutId && latest.SequenceId == p.SequenceId
                    && latest.StoredAt < DatabaseClock.Now().AddSeconds(-age.TotalSeconds))))
            .Where(e => !context.Outbox.Any(o => o.PayoutId == e.PayoutId))
            .ExecuteDeleteAsync(cancellationToken);
    }
}
