namespace PayoutManager.Application.Audit;

/// <summary>How payouts are audited while the service runs.</summary>
public sealed record AuditOptions
{
    /// <summary>How often the payouts are audited that have changed. Default 10 min; zero for never.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How many payouts are audited in a second at the most. Default 100; each costs the ledger one to six calls, or none where its
    /// database can be read.
    /// </summary>
    public int PerSecond { get; init; } = 100;

    /// <summary>How long the ledger has for all calls about one payout. Default 10 s.</summary>
    public TimeSpan LedgerPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one repair may take, with all that it asks of ledger and database. Default 30 s, as a call without a deadline has.</summary>
    public TimeSpan RepairTimeLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long ago a change was stored at the least when it is audited. Default 2 min. A change is stored at an instant and becomes
    /// visible when its transaction commits; by then later ones may be visible. A statement of ours takes 30 s at the most, a lock
    /// is waited for 1 s, and a transaction may be idle for 10 s.
    /// </summary>
    public TimeSpan Margin { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a host has the audit to itself without a sign of life. Default 30 s.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a host looks how far the audit has come, and whether nobody makes it. Default 10 s.</summary>
    public TimeSpan LookInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many changes are compared with one reading of the topic. Default 20,000. It limits what is kept in memory.</summary>
    public int StretchSize { get; init; } = 20_000;

    /// <summary>How many payouts may disagree or wait until the audit goes no further. Default 10,000.</summary>
    public int MostFindings { get; init; } = 10_000;
}
