namespace PayoutManager.Application.Operations;

/// <summary>
/// How operations of one kind are finished once their caller no longer does it. A new kind of operation brings its own; recovery finds
/// it by the intent.
/// </summary>
internal interface IOperationKind
{
    /// <summary>Whether the intent is one of this kind.</summary>
    bool Covers(OperationIntent intent);

    /// <summary>
    /// Finishes an operation of which nobody knows how far it got: forward or back, whichever is right for the kind. It has ended
    /// afterwards, unless this throws.
    /// </summary>
    Task RecoverAsync(LeasedOperation operation, CancellationToken cancellationToken);
}

/// <summary>Finishes operations of any kind.</summary>
internal sealed class OperationKinds(IEnumerable<IOperationKind> kinds)
{
    private readonly IOperationKind[] _kinds = [.. kinds];

    /// <inheritdoc cref="IOperationKind.RecoverAsync"/>
    public Task RecoverAsync(LeasedOperation operation, CancellationToken cancellationToken) =>
        _kinds.Single(kind => kind.Covers(operation.Operation.Intent)).RecoverAsync(operation, cancellationToken);
}
