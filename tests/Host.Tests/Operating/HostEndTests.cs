using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PayoutManager.Host.Commands;

namespace PayoutManager.Host.Tests.Operating;

public sealed class HostEndTests
{
    [Fact]
    public async Task A_host_of_which_a_part_breaks_ends_as_failed()
    {
        await using var host = await StartAsync(services => services.AddHostedService<Breaks>());

        await host.WaitForShutdownAsync();

        Assert.Equal(ExitCode.Failed, host.Exit);
    }

    [Fact]
    public async Task A_host_that_is_stopped_from_within_ends_as_failed()
    {
        await using var host = await StartAsync(services => services.AddHostedService<Stops>());

        await host.WaitForShutdownAsync();

        Assert.Equal(ExitCode.Failed, host.Exit);
        Assert.Equal(70, (int)ExitCode.Failed);
    }

    private static Task<PayoutHost> StartAsync(Action<IServiceCollection> add) => PayoutHost.StartAsync([], Environments.Development, builder =>
    {
        builder.Configuration["Kestrel:Endpoints:Thrift:Url"] = "http://127.0.0.1:0";
        builder.Configuration["Kestrel:Endpoints:Management:Url"] = "http://127.0.0.1:0";
        builder.Logging.ClearProviders();
        add(builder.Services);
    });

    private sealed class Breaks(IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, lifetime.ApplicationStarted)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new InvalidOperationException("broken");
        }
    }

    private sealed class Stops(IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, lifetime.ApplicationStarted)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lifetime.StopApplication();
        }
    }
}
