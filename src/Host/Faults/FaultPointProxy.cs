using System.Reflection;
using PayoutManager.Application.Ports;

namespace PayoutManager.Host.Faults;

/// <summary>Stands in front of a port and says when each of its calls is over.</summary>
internal class FaultPointProxy : DispatchProxy
{
    private static readonly MethodInfo FollowWithResult =
        typeof(FaultPointProxy).GetMethod(nameof(FollowWithResultAsync), BindingFlags.Instance | BindingFlags.NonPublic)!;

    private object _port = null!;
    private FaultPoints _points = null!;

    public static T Around<T>(T port, FaultPoints points)
        where T : class
    {
        var proxy = Create<T, FaultPointProxy>();
        var self = (FaultPointProxy)(object)proxy;
        (self._port, self._points) = (port, points);
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var step = FaultPoints.StepOf(targetMethod!.Name);
        var result = targetMethod.Invoke(_port, BindingFlags.DoNotWrapExceptions, null, args, null);
        if (result is Task && targetMethod.ReturnType.IsGenericType)
            return FollowWithResult.MakeGenericMethod(targetMethod.ReturnType.GenericTypeArguments).Invoke(this, [result, step]);
        return result switch
        {
            Task task => FollowAsync(task, step),
            IEventSession session => Around(session, _points),
            _ => result,
        };
    }

    private async Task FollowAsync(Task call, string step)
    {
        await call;
        _points.Reach(step);
    }

    private async Task<T> FollowWithResultAsync<T>(Task<T> call, string step)
    {
        var result = await call;
        _points.Reach(step);
        return result;
    }
}

/// <summary>Puts fault points in front of the ports.</summary>
internal static class FaultPointServices
{
    public static IServiceCollection AddFaultPoints(this IServiceCollection services, FaultPoints? points) => points is null
        ? services
        : services
            .Decorate<IPayoutStore>(port => FaultPointProxy.Around(port, points))
            .Decorate<IOperationStore>(port => FaultPointProxy.Around(port, points))
            .Decorate<IPartyManagement>(port => FaultPointProxy.Around(port, points))
            .Decorate<ILedger>(port => FaultPointProxy.Around(port, points))
            .Decorate<IEventOutbox>(port => FaultPointProxy.Around(port, points))
            .Decorate<IEventPublisher>(port => FaultPointProxy.Around(port, points));
}
