using Npgsql;
using PayoutManager.Host.Commands;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Commands;

public sealed class MigrateCommandTests
{
    private const string Altering = "20261127000002_TroubledOperations";

    [Fact]
    public async Task It_makes_what_is_missing_names_it_and_ends()
    {
        var database = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();

        var first = await MigrateAsync(database);

        Assert.Equal(ExitCode.Success, first.Exit);
        string[] all = [.. await Sql.QueryAsync(database, "SELECT \"MigrationId\" FROM pm.payout_manager_migration ORDER BY 1")];
        Assert.Equal("20261123000001_IncumbentTables", all[0]);
        Assert.Equal([.. all, "The database has all migrations now."], first.Output.Split('\n'));
        Assert.Equal(all.Select(name => $"{name} is missing …"), first.Error.Split('\n'));

        Assert.Equal((ExitCode.Success, "The database had all migrations.", ""), await MigrateAsync(database));
    }

    /// <summary>A statement that waits for a table would make all others wait behind it.</summary>
    [Fact]
    public async Task A_table_that_is_in_use_is_waited_for()
    {
        var database = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        await MigrateAsync(database);
        await Sql.ExecuteAsync(
            database,
            $"""
            ALTER TABLE pm.payout_operation DROP COLUMN failed_tries, DROP COLUMN last_error, DROP COLUMN next_try_at;
            DELETE FROM pm.payout_manager_migration WHERE "MigrationId" = '{Altering}'
            """);
        await using var user = new NpgsqlConnection(database);
        await user.OpenAsync();
        await using var transaction = await user.BeginTransactionAsync();
        await using var use = new NpgsqlCommand("LOCK TABLE pm.payout_operation IN ACCESS SHARE MODE", user, transaction);
        await use.ExecuteNonQueryAsync();
        using var error = new Lines();

        var migration = MigrateAsync(database, error);
        await error.UntilAsync("The database is busy, and is asked again until it is not: 55P03: ");
        Assert.False(migration.IsCompleted);
        await transaction.CommitAsync();

        Assert.Equal((ExitCode.Success, $"{Altering}\nThe database has all migrations now."), await migration);
    }

    [Fact]
    public async Task A_database_that_is_out_of_reach_is_told_in_one_line_without_secrets()
    {
        var (exit, output, error) = await MigrateAsync($"Host=127.0.0.1;Port={Ports.Free()};Username=u;Password=secret");

        Assert.Equal((ExitCode.DatabaseUnusable, ""), (exit, output));
        Assert.StartsWith("The migration is not finished: The tables could not be looked at or made (", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_must_not_be_used_is_left_as_it_is()
    {
        var latin = await (await PostgresServer.GetAsync()).CreateDatabaseWithAsync("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");

        Assert.Equal(
            (ExitCode.DatabaseUnusable, "", "The database's encoding is LATIN1 and must be UTF8: make it anew with ENCODING 'UTF8'."),
            await MigrateAsync(latin));
        Assert.Empty(await Sql.QueryAsync(latin, "SELECT nspname::text FROM pg_namespace WHERE nspname = 'pm'"));
    }

    [Theory]
    [InlineData("is required", "--environment=Production")]
    [InlineData("is required; a database that is embedded is seen by its host alone", "--environment=Development")]
    [InlineData("is not a connection string of Postgres: Couldn't set prot (Parameter 'prot')", "--ConnectionStrings:Payouts=Host=x;Prot=5432")]
    public async Task It_needs_a_database_and_nothing_else(string fault, string setting)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();

        Assert.Equal(ExitCode.WronglyCalled, await HostCommandLine.RunAsync(["migrate", setting], output, error));

        Assert.Equal($"The configuration cannot be used:\n  ConnectionStrings:Payouts: {fault}\n", error.ToString());
        Assert.Equal("", output.ToString());
    }

    private static async Task<(ExitCode Exit, string Output, string Error)> MigrateAsync(string database)
    {
        using var error = new Lines();
        var (exit, output) = await MigrateAsync(database, error);
        return (exit, output, error.ToString().TrimEnd());
    }

    private static async Task<(ExitCode Exit, string Output)> MigrateAsync(string database, TextWriter error)
    {
        await using var output = new StringWriter();
        var exit = await HostCommandLine.RunAsync(["migrate", "--ConnectionStrings:Payouts", database], output, error);
        return (exit, output.ToString().TrimEnd());
    }

    /// <summary>What is written meanwhile.</summary>
    private sealed class Lines : StringWriter
    {
        private readonly Lock _lock = new();

        public override Task WriteLineAsync(string? value)
        {
            lock (_lock)
                WriteLine(value);
            return Task.CompletedTask;
        }

        public Task UntilAsync(string text) => Sql.UntilAsync(() =>
        {
            lock (_lock)
                return Task.FromResult(ToString().Contains(text, StringComparison.Ordinal));
        });
    }
}
