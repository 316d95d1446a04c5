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
}
