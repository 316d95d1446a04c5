using FluentValidation;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Background;
using PayoutManager.Application.CreatePayout;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Pipeline;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Retention;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application;

/// <summary>Composes the application layer.</summary>
public static class ApplicationServices
{
    /// <summary>
    /// Adds the use cases, to be sent through <see cref="IMediator"/>, <see cref="OperationRecovery"/>,
    /// <see cref="EventRelay"/>, <see cref="AuditWatch"/>, <see cref="BacklogWatch"/> and <see cref="RetentionWork"/>. Needs the ports, a
    /// <see cref="TimeProvider"/>, <see cref="OperationOptions"/>, <see cref="RelayOptions"/>, <see cref="AuditOptions"/> and
    /// <see cref="RetentionOptions"/> from elsewhere.
    /// </summary>
    public static IServiceCollection AddPayoutApplication(this IServiceCollection services)
    {
        services.AddSingleton<ServiceFactory>(provider => provider.GetService!);
        services.AddSingleton<IMediator, Mediator>();
        services.AddSingleton(typeof(IPipelineBehavior<,>), typeof(TracingBehavior<,>));
        services.AddSingleton(typeof(IPipelineBehavior<,>), typeof(ValidationBehavior<,>));
        services.Scan(scan => scan
            .FromAssembliesOf(typeof(ApplicationServices))
            .AddClasses(classes => classes.AssignableTo(typeof(IRequestHandler<,>)), publicOnly: false)
            .AsImplementedInterfaces()
            .WithSingletonLifetime()
            .AddClasses(classes => classes.AssignableTo(typeof(IValidator<>)), publicOnly: false)
            .AsImplementedInterfaces()
            .WithSingletonLifetime());

        services.AddSingleton(Random.Shared);
        services.AddSingleton(provider => new BackgroundLoops(
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<BackgroundLoops>>(),
            provider.GetRequiredService<Random>()));
        services.AddSingleton<LedgerQuestions>();
        services.AddSingleton<PayoutAuditor>();
        services.AddSingleton<AuditWatch>();
        services.AddSingleton<BacklogWatch>();
        services.AddSingleton<RetentionWork>();
        services.AddSingleton<RelaySignal>();
        services.AddSingleton<RelayProgress>();
        services.AddSingleton<EventRelay>();
        services.AddSingleton<OperationLeases>();
        services.AddSingleton<PlanMoves>();
        services.AddSingleton<CreateRecovery>();
        services.AddSingleton<IOperationKind>(provider => provider.GetRequiredService<CreateRecovery>());
        services.AddSingleton<StatusChangeRecovery>();
        services.AddSingleton<IOperationKind>(provider => provider.GetRequiredService<StatusChangeRecovery>());
        services.AddSingleton<OperationKinds>();
        services.AddSingleton<NewPayoutId>(() => new PayoutId(Guid.CreateVersion7().ToString()));
        services.AddSingleton<CreateOperation>();
        services.AddSingleton<StatusChange>();
        services.AddSingleton(provider => new OperationRecovery(
            provider.GetRequiredService<IOperationStore>(),
            provider.GetRequiredService<OperationLeases>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<OperationOptions>(),
            provider.GetRequiredService<Random>(),
            provider.GetRequiredService<BackgroundLoops>(),
            provider.GetRequiredService<ILogger<OperationRecovery>>()));
        return services;
    }
}
