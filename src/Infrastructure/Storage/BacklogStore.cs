using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>The backlog in the database.</summary>
internal sealed class BacklogStore(IRoutineStatements routine) : IBacklog
{
    public Task<Backlog> ReadAsync(CancellationToken cancellationToken) =>
        Database.ReadAsync(routine.ReadBacklogAsync, cancellationToken);
}
