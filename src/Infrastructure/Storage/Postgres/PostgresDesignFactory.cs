using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>Lets <c>dotnet ef migrations add</c> make a context; it connects to nothing.</summary>
internal sealed class PostgresDesignFactory : IDesignTimeDbContextFactory<PostgresPayoutDbContext>
{
    public PostgresPayoutDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<PostgresPayoutDbContext>()
            .UseNpgsql("Host=localhost", PostgresPayoutDbContext.Map)
            .Options);
}
