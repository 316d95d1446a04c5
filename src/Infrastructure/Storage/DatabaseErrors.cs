using System.Data.Common;
using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>What a failure of the database means. The only place that decides it.</summary>
/// <remarks>
/// A write had no effect only where the server says so itself: with severity ERROR, which undoes the statement's transaction, and by an
/// SQLSTATE on this list. Everything else leaves it open. Severities above ERROR end the session, perhaps after the commit. Codes that
/// are not on the list may come from behind the server: what a distributed database lost on its way to another node (08, XX000),
/// an extension, a version to come. A code belongs on the list only if PostgreSQL raises it before the commit, for a reason that repeats of
/// the call may meet again; widening it needs that proof.
/// <code>
/// | class        | meaning                                       | why nothing was written                               |
/// |--------------|-----------------------------------------------|-------------------------------------------------------|
/// | 23           | a constraint does not allow the row           | checked before the commit, deferred ones as well      |
/// | 25           | the transaction's state, such as read-only    | the statement was not begun                           |
/// | 28, 3D, 3F   | no right to log in, no database, no schema    | there is nothing to write to                          |
/// | 40           | rolled back: serialization, deadlock          | rolled back by definition; not 40003, which says the opposite |
/// | 42           | unknown names, missing rights                 | found out before the statement is executed            |
/// | 53           | no memory, disk or connection left            | raised before the commit; a failed commit is a PANIC  |
/// | 55           | the object is locked or in use                | the statement did not get to the row                  |
/// | 57014        | cancelled, by a user or a time-out            | a cancellation is not heeded once the commit has begun |
/// | 57P03        | the server does not accept connections yet    | there was no session                                  |
/// </code>
/// </remarks>
internal static class DatabaseErrors
{
    private const string Error = "ERROR";

    // SQLite runs in this process and undoes the statement: no such table, no right, busy, locked, read-only, cannot be opened,
    // constraint, mismatch. Not full or failed disks, which may show at the commit.
    private static readonly HashSet<int> SqliteRefusals = [1, 3, 5, 6, 8, 14, 19, 20];

    private static readonly string[] RefusedClasses = ["23", "25", "28", "3D", "3F", "40", "42", "53", "55"];
    private static readonly string[] Incapacities = ["53", "58", "XX"];
    private static readonly string[] RefusedCodes = [PostgresErrorCodes.QueryCanceled, PostgresErrorCodes.CannotConnectNow];

    /// <summary>Whether the database says itself that the statement, and with it the whole transaction, had no effect.</summary>
    public static bool IsRefusal(Exception e) => Find<PostgresException>(e) is { } postgres
        ? postgres.InvariantSeverity == Error && IsListed(postgres.SqlState)
        : Find<SqliteException>(e) is { } sqlite && SqliteRefusals.Contains(sqlite.SqliteErrorCode);

    /// <summary>
    /// Whether a batch that begins and ends its transaction by itself was stopped inside of it by an error, so that nothing of it was
    /// committed, whatever the error's code.
    /// </summary>
    /// <param name="e">What stopped it.</param>
    /// <param name="commit">The command that would have committed it.</param>
    public static bool IsBeforeCommit(Exception e, NpgsqlBatchCommand commit) =>
        Find<PostgresException>(e) is { InvariantSeverity: Error, BatchCommand: { } failed } && !ReferenceEquals(failed, commit);

    /// <summary>
    /// Whether the statement collided with another transaction and succeeds if it is made again: a serialization failure, which only
    /// levels above READ COMMITTED have, or a deadlock.
    /// </summary>
    public static bool IsCollision(Exception e) => IsRefusal(e)
        && CodeOf(e) is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    /// <summary>
    /// Whether the server takes no writes, being a standby or told so, or not from this user. It then refuses a statement after it was
    /// prepared and before it is executed, which Npgsql 10 does not expect: it takes the statement for prepared without knowing what it
    /// returns, and fails when it is used next (npgsql#6391).
    /// </summary>
    public static bool IsForbidden(Exception e) =>
        CodeOf(e) is PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.InsufficientPrivilege;

    /// <summary>
    /// Whether Npgsql has lost track of what the server answers, see <see cref="IsForbidden"/>. It closes the connection, and has
    /// no type of its own for it.
    /// </summary>
    public static bool IsOfDriver(Exception e)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause.GetType() == typeof(Exception) && cause.Source == nameof(Npgsql))
                return true;
        }

        return false;
    }

    /// <summary>Whether a failure is the database's, the connection's or the clock's, rather than a mistake in this program.</summary>
    public static bool IsOfDatabase(Exception e) =>
        Find<DbException>(e) is not null
        || Find<OperationCanceledException>(e) is not null
        || Find<TimeoutException>(e) is not null
        || Find<IOException>(e) is not null
        || Find<SocketException>(e) is not null
        || IsOfDriver(e)
        // The host stops.
        || Find<ObjectDisposedException>(e) is not null;

    /// <summary>The server's code; null where it is not the server that failed.</summary>
    public static string? CodeOf(Exception e) => Find<PostgresException>(e)?.SqlState;

    /// <summary>Whether the server is out of disk or memory (53), its disk fails (58), or it is broken (XX).</summary>
    public static bool IsIncapacity(Exception e) =>
        CodeOf(e) is { } code && Incapacities.Any(c => code.StartsWith(c, StringComparison.Ordinal));

    /// <summary>The cause in words, without a statement's text or data.</summary>
    public static string InWords(Exception e)
    {
        // The messages of other codes may quote values; those of listed ones name tables, columns and constraints at most, except that
        // of who is not let in.
        if (Find<PostgresException>(e) is { } postgres)
        {
            return IsListed(postgres.SqlState) && !IsOfConnecting(postgres.SqlState)
                ? $"{postgres.SqlState}: {postgres.MessageText}"
                : $"code {postgres.SqlState}";
        }

        if (Find<SqliteException>(e) is { } sqlite)
            return $"SQLite error {sqlite.SqliteErrorCode}";
        return Find<OperationCanceledException>(e) is not null || Find<TimeoutException>(e) is not null
            ? "it did not answer in time"
            : "the connection was lost";
    }

    /// <summary>The failure as the cause of another; null where its message names who was not let in, since causes are logged.</summary>
    public static Exception? AsCause(Exception e) =>
        Find<PostgresException>(e) is { } postgres && IsOfConnecting(postgres.SqlState) ? null : e;

    private static bool IsListed(string code) =>
        (RefusedCodes.Contains(code) || RefusedClasses.Any(c => code.StartsWith(c, StringComparison.Ordinal)))
        && code != PostgresErrorCodes.StatementCompletionUnknown;

    private static bool IsOfConnecting(string code) =>
        code.StartsWith("28", StringComparison.Ordinal) || code.StartsWith("3D", StringComparison.Ordinal);

    private static T? Find<T>(Exception e)
        where T : Exception
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is T found)
                return found;
        }

        return null;
    }
}
