using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>How far audits have come and what they have found, in the database.</summary>
internal sealed class AuditBook(Database database, IAuditStatements statements) : IAuditProgress, IAuditFindings
{
    private const int MostDescribed = 4096;

    public Task<AuditState> ReadAsync(AuditScope scope, CancellationToken cancellationToken) =>
        Database.ReadAsync(token => statements.ReadProgressAsync(NameOf(scope), token), cancellationToken);

    public Task<AuditPosition?> LeaseAsync(AuditScope scope, string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        database.WriteAsync(token => statements.LeaseAsync(NameOf(scope), owner, lease, token), cancellationToken);

    public Task<bool> AdvanceAsync(
        AuditScope scope, string owner, AuditPosition from, AuditPosition upTo, CancellationToken cancellationToken) =>
        database.WriteAsync(token => statements.AdvanceAsync(NameOf(scope), owner, from, upTo, token), cancellationToken);

    public Task ReleaseAsync(AuditScope scope, string owner, CancellationToken cancellationToken) =>
        database.WriteAsync(token => statements.ReleaseAsync(NameOf(scope), owner, token), cancellationToken);

    public Task<AuditFindingCounts> CountAsync(CancellationToken cancellationToken) =>
        Database.ReadAsync(statements.CountFindingsAsync, cancellationToken);

    public Task<IReadOnlyList<AuditFinding>> ListAsync(
        DateTimeOffset seenBefore, string after, int limit, CancellationToken cancellationToken) =>
        Database.ReadAsync(token => statements.ListFindingsAsync(seenBefore, after, limit, token), cancellationToken);

    public Task<bool> StoreAsync(NewAuditFinding finding, CancellationToken cancellationToken)
    {
        var storable = finding with { Description = Storable(finding.Description) };
        return database.WriteAsync(token => statements.StoreFindingAsync(storable, token), cancellationToken);
    }

    public Task RemoveAsync(IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken)
    {
        string[] ids = [.. payoutIds.Select(id => id.Value)];
        return database.WriteAsync(token => statements.RemoveFindingsAsync(ids, token), cancellationToken);
    }

    private static string NameOf(AuditScope scope) => ScreamingSnake.Of($"{scope}").ToLowerInvariant();

    /// <summary>What peers say may be anything.</summary>
    private static string Storable(string text) => string.Concat(
        text[..Math.Min(text.Length, MostDescribed)].Replace('\0', '\uFFFD').EnumerateRunes());
}
