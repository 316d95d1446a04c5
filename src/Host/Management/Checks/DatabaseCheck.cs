using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Management.Checks;

/// <summary>Payouts can be written: the database is there, migrated, takes writes, and this host has the rights.</summary>
internal sealed class DatabaseCheck(DatabaseMigrator database) : PartCheck
{
    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken) => database.FindFaultAsync(cancellationToken);
}
