using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>What the audit asks of the database, each at once or not at all.</summary>
internal interface IAuditStatements
{
    /// <summary>Payouts with their postings, in no order; those that there are not are left out.</summary>
    Task<IReadOnlyList<Payout>> FindAllAsync(string[] payoutIds, CancellationToken cancellationToken);

    /// <inheritdoc cref="IPayoutHistory.ListChangesAsync"/>
    Task<ChangePage> ListChangesAsync(AuditPosition after, TimeSpan margin, int limit, CancellationToken cancellationToken);

    /// <inheritdoc cref="IAuditProgress.ReadAsync"/>
    Task<AuditState> ReadProgressAsync(string scope, CancellationToken cancellationToken);

    /// <inheritdoc cref="IAuditProgress.LeaseAsync"/>
    Task<AuditPosition?> LeaseAsync(string scope, string owner, TimeSpan lease, CancellationToken cancellationToken);

    /// <inheritdoc cref="IAuditProgress.AdvanceAsync"/>
    Task<bool> AdvanceAsync(string scope, string owner, AuditPosition from, AuditPosition upTo, CancellationToken cancellationToken);

    /// <inheritdoc cref="IAuditProgress.ReleaseAsync"/>
    Task<bool> ReleaseAsync(string scope, string owner, CancellationToken cancellationToken);

    /// <inheritdoc cref="IAuditFindings.CountAsync"/>
    Task<AuditFindingCounts> CountFindingsAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="IAuditFindings.ListAsync"/>
    Task<IReadOnlyList<AuditFinding>> ListFindingsAsync(
        DateTimeOffset seenBefore, string after, int limit, CancellationToken cancellationToken);

    /// <inheritdoc cref="IAuditFindings.StoreAsync"/>
    Task<bool> StoreFindingAsync(NewAuditFinding finding, CancellationToken cancellationToken);

    /// <inheritdoc cref="IAuditFindings.RemoveAsync"/>
    Task<int> RemoveFindingsAsync(string[] payoutIds, CancellationToken cancellationToken);
}
