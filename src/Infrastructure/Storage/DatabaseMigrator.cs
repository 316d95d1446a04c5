namespace PayoutManager.Infrastructure.Storage;

/// <summary>Makes and upgrades the tables, one host at a time.</summary>
public sealed class DatabaseMigrator
{
    private readonly Func<PayoutDbContext> _open;
    private readonly IRoutineStatements _routine;

    internal DatabaseMigrator(Func<PayoutDbContext> open, IRoutineStatements routine)
    {
        _open = open;
        _routine = routine;
    }

    /// <summary>Brings the database to this version. Does nothing where it is there already.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        if (await GetPendingAsync(cancellationToken) is not [])
        {
            await using var context = _open();
            await context.MigrateAloneAsync(cancellationToken);
        }

        await _routine.LearnTypesAsync(cancellationToken);
    }

    /// <summary>Makes ready for a database that somebody else has migrated; false while that is still to come.</summary>
    public async Task<bool> TryAdoptAsync(CancellationToken cancellationToken)
    {
        if (await GetPendingAsync(cancellationToken) is not [])
            return false;
        await _routine.LearnTypesAsync(cancellationToken);
        return true;
    }

    /// <summary>The migrations that this version has and the database lacks.</summary>
    public Task<IReadOnlyList<string>> GetPendingAsync(CancellationToken cancellationToken) =>
        _routine.ListPendingMigrationsAsync(cancellationToken);
}
