using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Infrastructure.Storage.Sqlite;

namespace PayoutManager.Infrastructure.Tests.Storage;

public sealed class SqliteStoreTests : StoreTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("payouts-store-").FullName;

    private string ConnectionString => $"Data Source={Path.Combine(_folder, "payouts.db")}";

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_migrations_make_what_the_model_says()
    {
        using var context = new SqliteDesignFactory().CreateDbContext([]);
        Assert.False(context.Database.HasPendingModelChanges());
    }

    protected override Task<StorageOptions> CreateDatabaseAsync() =>
        Task.FromResult(new StorageOptions { Provider = StorageProvider.Sqlite, ConnectionString = ConnectionString });

    protected override Task ExecuteAsync(string sql) => QueryAsync(sql);

    protected override async Task<IReadOnlyList<string>> QueryAsync(string sql)
    {
        await using var connection = new SqliteConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Only tests call this, with statements of their own.
        command.CommandText = sql;
#pragma warning restore CA2100
        var rows = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            rows.Add(reader.GetString(0));
        return rows;
    }

    protected override string Table(string name) => name;
}
