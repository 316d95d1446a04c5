using PayoutManager.Application.Outcomes;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Makes and upgrades the tables, one host at a time, and says what a database lacks.</summary>
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
    /// <exception cref="UnusableDatabaseException">The database is set up wrongly; nothing was changed.</exception>
    /// <exception cref="NotDoneException">The database cannot be reached or refuses; what was migrated by then stays.</exception>
    public Task MigrateAsync(CancellationToken cancellationToken) => TryAsync(async () =>
    {
        if (await GetPendingOfUsableAsync(cancellationToken) is not [])
        {
            await using var context = _open();
            await context.MigrateAloneAsync(cancellationToken);
        }

        return true;
    });

    /// <summary>Whether the database has been migrated, by whomever.</summary>
    /// <exception cref="UnusableDatabaseException">The database is set up wrongly.</exception>
    /// <exception cref="NotDoneException">The database cannot be reached or refuses.</exception>
    public Task<bool> IsMigratedAsync(CancellationToken cancellationToken) =>
        TryAsync(async () => await GetPendingOfUsableAsync(cancellationToken) is []);

    /// <summary>The migrations that this version has and the database lacks, in their order.</summary>
    /// <exception cref="UnusableDatabaseException">The database is set up wrongly.</exception>
    /// <exception cref="NotDoneException">The database cannot be reached or refuses.</exception>
    public Task<IReadOnlyList<string>> GetPendingAsync(CancellationToken cancellationToken) =>
        TryAsync(() => GetPendingOfUsableAsync(cancellationToken));

    /// <summary>What keeps payouts from being written now, in words; null if nothing does.</summary>
    public async Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        DatabaseState state;
        try
        {
            state = await _routine.ReadStateAsync(cancellationToken);
        }
        catch (Exception e) when (e is NotDoneException || DatabaseErrors.IsOfDatabase(e))
        {
            return e is NotDoneException ? $"out of reach: {e.Message}"
                : DatabaseErrors.CodeOf(e) is null ? $"out of reach: {DatabaseErrors.InWords(e)}"
                : $"refuses: {DatabaseErrors.InWords(e)}";
        }

        return state.Unusable is { } why ? $"unusable: {why}"
            : state.IsReadOnly ? "read-only: a standby, or default_transaction_read_only is on"
            : state.Pending is not [] ? $"not migrated: {string.Join(", ", state.Pending)}"
            : state.MissingRights is not [] ? $"no right to {string.Join(", ", state.MissingRights)}"
            : null;
    }

    private static async Task<T> TryAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (DatabaseErrors.IsOfDatabase(e))
        {
            throw new NotDoneException($"The tables could not be looked at or made ({DatabaseErrors.InWords(e)}).", DatabaseErrors.AsCause(e));
        }
    }

    private async Task<IReadOnlyList<string>> GetPendingOfUsableAsync(CancellationToken cancellationToken)
    {
        var state = await _routine.ReadStateAsync(cancellationToken);
        return state.Unusable is { } why ? throw new UnusableDatabaseException(why) : state.Pending;
    }
}
