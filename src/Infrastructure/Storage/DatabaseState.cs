namespace PayoutManager.Infrastructure.Storage;

/// <summary>How a database is, as a session of this host sees it.</summary>
/// <param name="Pending">The migrations that this version has and the database lacks.</param>
internal sealed record DatabaseState(IReadOnlyList<string> Pending)
{
    /// <summary>Whether it takes no writes now.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>The rights that calls and background work need and this host's user lacks, such as <c>INSERT on pm.payout</c>.</summary>
    public IReadOnlyList<string> MissingRights { get; init; } = [];

    /// <summary>Why this host must not work with it until somebody has changed its set-up; null if it may.</summary>
    public string? Unusable { get; init; }
}

/// <summary>The database is set up so that payouts cannot be kept in it. The message says how, and what to do.</summary>
public sealed class UnusableDatabaseException(string message) : Exception(message);
