using System.Data.Common;
using PayoutManager.Application.Outcomes;
using PayoutManager.Host.Audit;
using PayoutManager.Host.Configuration;
using PayoutManager.Infrastructure;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Commands;

/// <summary>Makes and upgrades the tables, for those whose hosts may not.</summary>
internal sealed class MigrateCommand : Verb
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SettingsArgument _settings = new();

    public MigrateCommand()
        : base("migrate", "Makes and upgrades the tables, names the migrations that it has made, and ends. Hosts do so by themselves unless Storage:MigrateOnStartup is false.")
    {
        Add(_settings);
        SetAction(async (parsed, _) => (int)await RunAsync(
            parsed.GetValue(_settings)!, parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error));
    }

    public override IReadOnlyList<Exit> Exits { get; } =
    [
        new(ExitCode.Success, "the database has all migrations of this version"),
        new(ExitCode.WronglyCalled, "called or configured wrongly; each fault has a line on the error output"),
        new(ExitCode.DatabaseUnusable, "not finished: the database cannot be reached, refuses, or must not be used. What was made by then stays"),
        new(ExitCode.Failed, "not finished: something unexpected"),
        new(ExitCode.Interrupted, "interrupted by SIGINT or SIGTERM. What was made by then stays"),
    ];

    public override string Notes =>
        """
        Configuration:
          ConnectionStrings:Payouts as for the service, best in an environment variable: others see a command line. The user has to own
          the schema pm, or be allowed to create it. Hosts may serve calls meanwhile: a table that is in use is waited for.
        """;

    public override string Examples =>
        """
        ConnectionStrings__Payouts='Host=db;Username=owner;Password=…;Database=payouts' PayoutManager.Host migrate
        """;

    private static async Task<ExitCode> RunAsync(string[] settings, TextWriter output, TextWriter error)
    {
        using var interruption = new Interruption();
        var interrupted = interruption.Token;
        var builder = HostSettings.CreateBuilder(settings);
        await using var services = new ServiceCollection()
            .AddStorage(HostSettings.ReadStorage(builder.Configuration, builder.Environment))
            .BuildServiceProvider();
        try
        {
            var migrator = services.GetRequiredService<DatabaseMigrator>();
            var missing = await WhileBusyAsync(() => migrator.GetPendingAsync(interrupted), error, interrupted);
            foreach (var migration in missing)
                await error.WriteLineAsync($"{migration} is missing …");
            await WhileBusyAsync(
                async () =>
                {
                    await migrator.MigrateAsync(interrupted);
                    return true;
                },
                error,
                interrupted);
            foreach (var migration in missing)
                await output.WriteLineAsync(migration);
            await output.WriteLineAsync(missing is [] ? "The database had all migrations." : "The database has all migrations now.");
            return ExitCode.Success;
        }
        catch (Exception) when (interrupted.IsCancellationRequested)
        {
            await error.WriteLineAsync("The migration is not finished: it was interrupted.");
            return ExitCode.Interrupted;
        }
        catch (NotDoneException e)
        {
            await error.WriteLineAsync($"The migration is not finished: {LineLog.InOneLine(Explanation.Of(e))}");
            return ExitCode.DatabaseUnusable;
        }
    }

    private static async Task<T> WhileBusyAsync<T>(Func<Task<T>> work, TextWriter error, CancellationToken cancellationToken)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            try
            {
                return await work();
            }
            // The server has answered, and says that it is of no use for now, such as that a table is in use.
            catch (NotDoneException e) when (e.GetBaseException() is DbException { IsTransient: true, SqlState: not null } refusal)
            {
                if (isFirst)
                    await error.WriteLineAsync($"The database is busy, and is asked again until it is not: {refusal.Message}");
                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            }
        }
    }
}
