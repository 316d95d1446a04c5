using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace PayoutManager.Host.Management.Checks;

/// <summary>Whether a part that this host works with is well. How bad it is if not, its registration says.</summary>
internal abstract class PartCheck : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string? fault;
        try
        {
            // Not all that is asked for ends when it is cancelled.
            fault = await FindFaultAsync(cancellationToken).WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            fault = "out of reach: no answer";
        }
        catch (Exception e)
        {
            // The type alone: a message may name what is nobody's business here.
            fault = $"cannot be looked at: {e.GetBaseException().GetType().Name}";
        }

        return fault is not null ? new HealthCheckResult(context.Registration.FailureStatus, fault)
            : FindTrouble() is { } trouble ? HealthCheckResult.Degraded(trouble)
            : HealthCheckResult.Healthy();
    }

    /// <summary>What is wrong with it, in words; null if nothing is.</summary>
    protected abstract Task<string?> FindFaultAsync(CancellationToken cancellationToken);

    /// <summary>What is wrong with it but, however bad its faults are, only degrades this host, in words; null if nothing is.</summary>
    protected virtual string? FindTrouble() => null;
}
