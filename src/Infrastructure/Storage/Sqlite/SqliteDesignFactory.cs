using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace PayoutManager.Infrastructure.Storage.Sqlite;

/// <summary>Lets <c>dotnet ef migrations add</c> make a context; it connects to nothing.</summary>
internal sealed class SqliteDesignFactory : IDesignTimeDbContextFactory<SqlitePayoutDbContext>
{
    public SqlitePayoutDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<SqlitePayoutDbContext>()
            .UseSqlite("Data Source=:memory:", SqlitePayoutDbContext.Map)
            .Options);
}
