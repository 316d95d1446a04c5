using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Management.Checks;

/// <summary>Payouts can be written: the database is there, migrated, takes writes, and this host has the rights.</summary>
internal sealed class DatabaseCheck(DatabaseMigrator database, DatabaseTrouble trouble) : PartCheck
{
    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken) => database.FindFaultAsync(cancellationToken);

    /// <summary>
    /// A database that cannot write for want of disk can be read, and no host has a better one. Nor could anybody tell without calls that
    /// it can write again.
    /// </summary>
    protected override string? FindTrouble() => trouble.Latest is { } latest ? $"cannot write: {latest}" : null;
}
