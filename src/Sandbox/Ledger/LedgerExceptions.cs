using Thrift;

namespace PayoutManager.Sandbox.Ledger;

/// <summary>The ledger refused a call. The call had no effect.</summary>
/// <param name="declared">The exception that the contract declares for the refusal.</param>
public sealed class LedgerRefusalException(TException declared) : Exception($"The ledger refused the call: {declared}")
{
    /// <summary>The exception that the contract declares for the refusal.</summary>
    public TException Declared { get; } = declared;
}

/// <summary>The ledger's database would have failed during a call. The call had no effect.</summary>
/// <param name="message">The failure.</param>
public sealed class LedgerFailureException(string message) : Exception(message);
