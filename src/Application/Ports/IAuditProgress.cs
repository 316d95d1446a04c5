using PayoutManager.Application.Outcomes;

namespace PayoutManager.Application.Ports;

/// <summary>
/// How far audits have come, and which host makes them: one at a time, by a lease that only the database's clock measures. It is the same for
/// all hosts and outlives them.
/// </summary>
/// <remarks>Every method throws <see cref="NotDoneException"/> where the database was not reached.</remarks>
public interface IAuditProgress
{
    /// <summary>How far the audit has come, and whose it is.</summary>
    Task<AuditState> ReadAsync(AuditScope scope, CancellationToken cancellationToken);

    /// <summary>Makes the audit the owner's if it is nobody else's, or lets the owner's lease run anew.</summary>
    /// <param name="scope">Which audit.</param>
    /// <param name="owner">A name that nobody else uses.</param>
    /// <param name="lease">How long it is the owner's, from now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How far it has come; null if it is another's.</returns>
    Task<AuditPosition?> LeaseAsync(AuditScope scope, string owner, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>
    /// Notes how far the owner has come. False, with nothing noted, if the audit is no longer the owner's, or stands elsewhere than the owner
    /// believes.
    /// </summary>
    Task<bool> AdvanceAsync(
        AuditScope scope, string owner, AuditPosition from, AuditPosition upTo, CancellationToken cancellationToken);

    /// <summary>Lets the owner's lease end now.</summary>
    Task ReleaseAsync(AuditScope scope, string owner, CancellationToken cancellationToken);
}

/// <summary>Which payouts an audit looks at.</summary>
public enum AuditScope
{
    /// <summary>Those that change, for as long as the service runs.</summary>
    Changes,

    /// <summary>All that there are, once.</summary>
    All,
}

/// <summary>How far an audit has come, and whose it is.</summary>
/// <param name="Now">The instant that it is by the database's clock.</param>
/// <param name="Position">How far it has come.</param>
/// <param name="IsFree">Whether any host may make it: nobody has it, or the lease has run out.</param>
public sealed record AuditState(DateTimeOffset Now, AuditPosition Position, bool IsFree);

/// <summary>
/// A place in the order in which payouts are audited: by their changes, in the order in which those were stored; and then, where all
/// payouts are audited, those without any event, in order of their ids. All before it is done.
/// </summary>
/// <param name="StoredAt">When the last change was stored that is done, by the database's clock.</param>
/// <param name="EventId">Decides between changes of the same instant.</param>
/// <param name="PayoutId">The last payout without events that is done; empty before the first; null as long as changes are left.</param>
public readonly record struct AuditPosition(DateTimeOffset StoredAt, long EventId, string? PayoutId = null)
{
    /// <summary>Before all changes.</summary>
    public static AuditPosition Beginning { get; } = new(DateTimeOffset.UnixEpoch, 0);

    /// <summary>After all changes that were stored before an instant.</summary>
    public static AuditPosition At(DateTimeOffset storedAt) => new(storedAt, 0);

    /// <summary>The place in words.</summary>
    public override string ToString() => PayoutId switch
    {
        null => $"{StoredAt.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.ffffff}Z",
        "" => "payouts without events",
        _ => $"payouts without events, {PayoutId}",
    };
}
