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

    /// <summary>Reads in a single statement.</summary>
    /// <exception cref="NotDoneException">The database was not reached, or the caller's time was up.</exception>
    public static async Task<T> ReadAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (IsOutOfReach(e))
        {
            throw NotReached(e);
        }
    }

    /// <inheritdoc cref="ReadAsync{T}(Func{Task{T}})"/>
    public Task<T> ReadAsync<T>(Func<PayoutDbContext, Task<T>> read) => ReadAsync(() => WithContextAsync(read));

    /// <summary>What changes rows by itself, and commits with them.</summary>
    /// <param name="write">The statements.</param>
    /// <param name="cancellationToken">The caller's time.</param>
    /// <exception cref="NotDoneException">The database was not reached or refused, or the time was up beforehand.</exception>
    /// <exception cref="OutcomeUnknownException">The database was lost; it may or may not be done.</exception>
    public static async Task<T> WriteAsync<T>(Func<Task<T>> write, CancellationToken cancellationToken)
    {
        // Drivers look at it themselves, but then nobody can tell whether anything was sent.
        if (cancellationToken.IsCancellationRequested)
            throw NotReached(new OperationCanceledException(cancellationToken));
        try
        {
            return await write();
        }
        catch (Exception e) when (IsOutOfReach(e))
        {
            throw IsRefusal(e)
                ? NotReached(e)
                : new OutcomeUnknownException("The database was lost during a write.", e);
        }
    }

    /// <inheritdoc cref="WriteAsync{T}(Func{Task{T}}, CancellationToken)"/>
    public Task<T> WriteAsync<T>(Func<PayoutDbContext, Task<T>> write) => WriteAsync(() => WithContextAsync(write), CancellationToken.None);

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
                : NotReached(e);
        }
    }

    /// <summary>A connection. Where there is none, nothing has been asked yet, which is certain only here.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        try
        {
            return await source.OpenConnectionAsync(cancellationToken);
        }
        catch (Exception e) when (IsOutOfReach(e))
        {
            throw NotReached(e);
        }
    }

    /// <summary>The database was not asked, or has refused.</summary>
    public static NotDoneException NotReached(Exception e) => new("The database cannot be reached.", e);

    private async Task<T> WithContextAsync<T>(Func<PayoutDbContext, Task<T>> work)
    {
        await using var context = open();
        return await work(context);
    }

    /// <summary>
    /// Whether a failure proves that nothing was written: the database says so itself. What it says when it goes down it may have
    /// said before it was asked, or after it has committed.
    /// </summary>
    public static bool IsRefusal(Exception e) => e switch
    {
        PostgresException postgres => postgres.SqlState is not (PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown),
        SqliteException => true,
        _ => e.InnerException is { } cause && IsRefusal(cause),
    };

    /// <summary>
    /// Whether a failure is the connection's, or the clock's, rather than a mistake in what was asked. Tables that are not
    /// made yet count as out of reach: the host starts before it has migrated.
    /// </summary>
    public static bool IsOutOfReach(Exception e) => e switch
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
