using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Deletes what is too old, page after page. One page of a kind at a time.</summary>
/// <remarks>
/// What has to stay though it is old, such as the history of a payout that is never confirmed, is passed over once in each pass.
/// </remarks>
internal sealed class RetentionStore(Database database, IRetentionStatements statements) : IRetention
{
    private OldNote? _lastNote;
    private OldHistory? _lastHistory;

    public async Task<PrunedPage> PruneSpentAttemptsAsync(
        TimeSpan age, int mostAttempts, int limit, CancellationToken cancellationToken)
    {
        var page = await Database.ReadAsync(token => statements.ListNotesAsync(age, _lastNote, limit, token), cancellationToken);
        var deleted = 0;
        // Each by itself, since a batch would keep a caller waiting who comes for the first of them.
        foreach (var note in page)
        {
            deleted += await database.WriteAsync(
                token => statements.DeleteNoteAsync(note.PayoutId, age, mostAttempts, token), cancellationToken);
        }

        var isLast = page.Count < limit;
        _lastNote = isLast ? null : page[^1];
        return new PrunedPage(deleted, isLast);
    }

    public async Task<PrunedPage> PruneEventsAsync(TimeSpan age, int limit, CancellationToken cancellationToken)
    {
        var page = await Database.ReadAsync(token => statements.ListHistoriesAsync(age, _lastHistory, limit, token), cancellationToken);
        string[] payoutIds = [.. page.Select(history => history.PayoutId)];
        var deleted = payoutIds is [] ? 0 : await database.WriteAsync(
            token => statements.DeleteEventsAsync(payoutIds, age, token), cancellationToken);
        var isLast = page.Count < limit;
        _lastHistory = isLast ? null : page[^1];
        return new PrunedPage(deleted, isLast);
    }
}
