using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using PayoutManager.Application.Outcomes;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Runs work against the database, and says of each failure whether the work may have been done.</summary>
internal sealed class Database(Func<PayoutDbContext> open)
{
    // Shutting down, crashed, starting up.
    private const string OperatorIntervention = "57P";

    private const int SqliteBusy = 5;
    private const int SqliteLocked = 6;

    /// <summary>Work of a single statement.</summary>
    /// <exception cref="NotDoneException">The database was not reached, or the caller's time was up.</exception>
    public async Task<T> ReadAsync<T>(Func<PayoutDbContext, Task<T>> read)
    {
        try
        {
            await using var context = open();
            return await read(context);
        }
        catch (Exception e) when (IsOutOfReach(e))
        {
            throw new NotDoneException("The database cannot be reached.", e);
        }
    }

    /// <summary>A statement that changes rows by itself, and commits with them.</summary>
    /// <exception cref="OutcomeUnknownException">The database was lost; it may or may not be done.</exception>
    public async Task<T> WriteAsync<T>(Func<PayoutDbContext, Task<T>> write)
    {
        try
        {
            await using var context = open();
            return await write(context);
        }
        catch (Exception e) when (IsOutOfReach(e))
        {
            throw new OutcomeUnknownException("The database was lost during a write.", e);
        }
    }

    /// <summary>Work in a transaction, which is committed if the work says so.</summary>
    /// <param name="work">Returns its result, and whether to commit.</param>
    /// <param name="cancellationToken">The caller's time.</param>
    /// <exception cref="NotDoneException">The database was lost before the commit.</exception>
    /// <exception cref="OutcomeUnknownException">The database was lost during the commit.</exception>
    public async Task<T> TransactAsync<T>(
        Func<PayoutDbContext, Task<(T Result, bool Commit)>> work,
        CancellationToken cancellationToken)
    {
        var committing = false;
        try
        {
            await using var context = open();
            await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
            var (result, commit) = await work(context);
            if (commit)
            {
                committing = true;
                await transaction.CommitAsync(cancellationToken);
            }

            return result;
        }
        catch (Exception e) when (IsOutOfReach(e))
        {
            throw committing
                ? new OutcomeUnknownException("The database was lost during a commit.", e)
                : new NotDoneException("The database cannot be reached.", e);
        }
    }

    /// <summary>
    /// Whether a failure is the connection's, or the clock's, rather than a mistake in what was asked. Tables that are not
    /// made yet count as out of reach: the host starts before it has migrated.
    /// </summary>
    private static bool IsOutOfReach(Exception e) => e switch
    {
        OperationCanceledException or TimeoutException or IOException => true,
        PostgresException postgres => postgres.IsTransient
            || postgres.SqlState.StartsWith(OperatorIntervention, StringComparison.Ordinal)
            || postgres.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName,
        SqliteException sqlite => sqlite.SqliteErrorCode is SqliteBusy or SqliteLocked,
        DbException => true,
        DbUpdateException or InvalidOperationException or RetryLimitExceededException =>
            e.InnerException is { } cause && IsOutOfReach(cause),
        _ => false,
    };
}
