namespace PayoutManager.Domain.Payouts;

/// <summary>That a payout changed, with the payout as it is afterwards.</summary>
/// <param name="Payout">The payout after the change.</param>
/// <param name="CreatedAt">When the change was made, in UTC.</param>
public abstract record PayoutEvent(Payout Payout, DateTimeOffset CreatedAt)
{
    /// <summary>The change's place in the payout's history, from 0, without gap.</summary>
    public int SequenceId => Payout.SequenceId;

    /// <summary>The event that tells of a payout's latest change.</summary>
    public static PayoutEvent OfLatestChange(Payout payout, DateTimeOffset createdAt) =>
        payout.SequenceId == 0 ? new PayoutCreated(payout, createdAt) : new PayoutStatusChanged(payout, createdAt);
}

/// <summary>The payout came into being.</summary>
/// <inheritdoc cref="PayoutEvent"/>
public sealed record PayoutCreated(Payout Payout, DateTimeOffset CreatedAt) : PayoutEvent(Payout, CreatedAt);

/// <summary>The payout moved on to the status that it now has.</summary>
/// <inheritdoc cref="PayoutEvent"/>
public sealed record PayoutStatusChanged(Payout Payout, DateTimeOffset CreatedAt) : PayoutEvent(Payout, CreatedAt);
