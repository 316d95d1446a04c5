using Microsoft.EntityFrameworkCore;
using Npgsql;
using PayoutManager.Application.Outcomes;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>
/// Runs statements. Each failure becomes an exception that says whether the statement may have taken effect. <see cref="DatabaseErrors"/>
/// decides which.
/// </summary>
/// <param name="open">Makes a context.</param>
/// <param name="trouble">Remembers refused writes.</param>
/// <param name="dropConnections">Closes pooled connections, so that new ones may reach another server. Null for a file.</param>
internal sealed class Database(Func<PayoutDbContext> open, DatabaseTrouble trouble, Action? dropConnections = null)
{
    // After each collision another transaction has gone ahead, so a statement collides at most once with each rival.
    private const int MostTries = 8;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(4);

    // How long an answer may still arrive after the caller's time is up.
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(50);

    /// <summary>Reads.</summary>
    /// <param name="read">The statement.</param>
    /// <param name="cancellationToken">The caller's time.</param>
    /// <exception cref="NotDoneException">The database did not answer.</exception>
    public static async Task<T> ReadAsync<T>(Func<CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await InTimeAsync(read, cancellationToken);
            }
            catch (Exception e) when (e is not NotDoneException && DatabaseErrors.IsOfDatabase(e))
            {
                if (!(DatabaseErrors.IsCollision(e) || DatabaseErrors.IsOfDriver(e)) || tries == MostTries)
                    throw new NotDoneException($"The database did not answer ({DatabaseErrors.InWords(e)}).", DatabaseErrors.AsCause(e));
            }

            await LetOthersGoAsync(tries);
        }
    }

    /// <inheritdoc cref="ReadAsync{T}(Func{CancellationToken, Task{T}}, CancellationToken)"/>
    public Task<T> ReadAsync<T>(Func<PayoutDbContext, Task<T>> read) => ReadAsync(
        async _ =>
        {
            await using var context = open();
            return await read(context);
        },
        CancellationToken.None);

    /// <summary>Writes, in one transaction that commits by itself.</summary>
    /// <param name="write">The statements.</param>
    /// <param name="cancellationToken">The caller's time.</param>
    /// <exception cref="NotDoneException">Nothing was sent, or the database refused it by an error that proves that it had no effect.</exception>
    /// <exception cref="OutcomeUnknownException">On every other failure: it may or may not be done.</exception>
    public async Task<T> WriteAsync<T>(Func<CancellationToken, Task<T>> write, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await InTimeAsync(write, cancellationToken);
            }
            catch (Exception e) when (e is not NotDoneException)
            {
                if (DatabaseErrors.IsForbidden(e))
                    dropConnections?.Invoke();
                trouble.Saw(e);
                if (!DatabaseErrors.IsCollision(e) || tries == MostTries)
                    throw Sort(e);
            }

            await LetOthersGoAsync(tries);
        }
    }

    /// <inheritdoc cref="WriteAsync{T}(Func{CancellationToken, Task{T}}, CancellationToken)"/>
    public Task<T> WriteAsync<T>(Func<PayoutDbContext, Task<T>> write, CancellationToken cancellationToken) => WriteAsync(
        async token =>
        {
            await using var context = open();
            await OpenAsync(
                async opening =>
                {
                    await context.Database.OpenConnectionAsync(opening);
                    return true;
                },
                token);
            return await write(context);
        },
        cancellationToken);

    /// <summary>
    /// Opens a connection, but not to a standby. A standby may lag behind: even "not found" would be a false answer there. Only a failure here
    /// proves that nothing was sent.
    /// </summary>
    /// <exception cref="NotDoneException">No connection could be had, or the server is a standby.</exception>
    public static async Task<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var connection = await OpenAnyAsync(source, cancellationToken);
        try
        {
            // PostgreSQL 14 and later report this without being asked, but a change only after the session's next statement.
            if (connection.PostgresParameters.GetValueOrDefault("in_hot_standby") != "on" || !await IsStandbyAsync(connection, cancellationToken))
                return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        throw new NotDoneException("The database is a standby.");
    }

    /// <summary>Opens a connection, also to a standby. Only a failure here proves that nothing was sent.</summary>
    /// <exception cref="NotDoneException">No connection could be had.</exception>
    public static Task<NpgsqlConnection> OpenAnyAsync(NpgsqlDataSource source, CancellationToken cancellationToken) =>
        OpenAsync(async token => await source.OpenConnectionAsync(token), cancellationToken);

    /// <summary>The time was up, or no connection could be had, before anything was sent.</summary>
    public static NotDoneException NotSent(Exception e) => new(
        DatabaseErrors.CodeOf(e) is { } code ? $"The database refused a connection ({code})."
        : e is OperationCanceledException ? "The time was up before the database was asked."
        : "The database cannot be reached.",
        DatabaseErrors.AsCause(e));

    /// <summary>
    /// Asks, and waits no longer than the caller's time. Drivers cancel a statement by asking the server and waiting for its answer. A
    /// silent server makes that take seconds, so the caller does not wait for it.
    /// </summary>
    private static async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled)
            return await ask(cancellationToken);
        // Drivers look at it themselves, but then nobody can tell whether anything was sent.
        if (cancellationToken.IsCancellationRequested)
            throw NotSent(new OperationCanceledException(cancellationToken));
        // Has no timer, so that nothing needs to be disposed of.
        var time = new CancellationTokenSource();
        var asked = ask(time.Token);
        try
        {
            return await asked.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!asked.IsCompleted)
        {
            _ = time.CancelAsync();
            await Task.WhenAny(asked, Task.Delay(LastWords, TimeProvider.System, CancellationToken.None));
            if (asked.IsCompleted)
                return await asked;
            // Looked at by nobody else.
            _ = asked.ContinueWith(static late => late.Exception, TaskScheduler.Default);
            throw;
        }
    }

    private static async Task<bool> IsStandbyAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = new NpgsqlCommand("SELECT pg_is_in_recovery()", connection);
            return await command.ExecuteScalarAsync(cancellationToken) is true;
        }
        catch (Exception e) when (DatabaseErrors.IsOfDatabase(e))
        {
            throw NotSent(e);
        }
    }

    private static async Task<T> OpenAsync<T>(Func<CancellationToken, Task<T>> openAsync, CancellationToken cancellationToken)
    {
        try
        {
            return await openAsync(cancellationToken);
        }
        catch (Exception e) when (DatabaseErrors.IsOfDatabase(e))
        {
            throw NotSent(e);
        }
    }

    private static Exception Sort(Exception e) => e switch
    {
        OutcomeUnknownException => e,
        _ when DatabaseErrors.IsRefusal(e) => new NotDoneException($"The database refused the write ({DatabaseErrors.InWords(e)}).", DatabaseErrors.AsCause(e)),
        _ when DatabaseErrors.IsOfDatabase(e) => new OutcomeUnknownException(
            $"It is not known whether the database did the write ({DatabaseErrors.InWords(e)}).", DatabaseErrors.AsCause(e)),
        _ => new OutcomeUnknownException("It is not known whether the database did the write (its answer could not be used).", DatabaseErrors.AsCause(e)),
    };

    private static Task LetOthersGoAsync(int tries) => Task.Delay(
        LongestPause * tries * Random.Shared.NextDouble(), TimeProvider.System);
}
