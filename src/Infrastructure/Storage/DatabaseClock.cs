namespace PayoutManager.Infrastructure.Storage;

/// <summary>
/// The only clock that measures leases, for use in queries. Each provider translates it to what reads its clock at that
/// moment, not at the start of the transaction, which may have waited for another.
/// </summary>
internal static class DatabaseClock
{
    /// <summary>Now, in UTC.</summary>
    public static DateTime Now() =>
        throw new InvalidOperationException("The database's clock can be read in queries only.");
}
