using Microsoft.Data.Sqlite;
using Npgsql;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>The databases that can keep payouts.</summary>
public enum StorageProvider
{
    /// <summary>PostgreSQL, for production.</summary>
    Postgres,

    /// <summary>A file of SQLite, for development.</summary>
    Sqlite,
}

/// <summary>Where payouts are kept.</summary>
public sealed record StorageOptions
{
    /// <summary>Which database.</summary>
    public StorageProvider Provider { get; init; } = StorageProvider.Postgres;

    /// <summary>How to connect to it, in its driver's words.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>Whether the tables are made and upgraded at start. Default true.</summary>
    public bool MigrateOnStartup { get; init; } = true;

    /// <summary>Which database it is, without user and password.</summary>
    public string InWords()
    {
        if (Provider == StorageProvider.Sqlite)
            return $"{Provider} in {new SqliteConnectionStringBuilder(ConnectionString).DataSource}";
        var connection = new NpgsqlConnectionStringBuilder(ConnectionString);
        // Of several hosts each has its port, and a directory of sockets has none.
        var host = connection.Host?.AsSpan().ContainsAny(":,/") == true ? connection.Host : $"{connection.Host}:{connection.Port}";
        return $"{Provider}, database {connection.Database ?? connection.Username} at {host}";
    }
}
