namespace PayoutManager.Sandbox.Ledger;

/// <summary>How the accounter answers on the wire. Both forms follow the same rules.</summary>
public enum LedgerForm
{
    /// <summary>
    /// As the deployed accounter does (rbkmoney/shumway at 44eb989): refusals are HTTP 400 without a body, clocks are always
    /// <c>latest</c>, GetPlan never succeeds, and a value that is too long for its column is HTTP 500.
    /// </summary>
    Deployed,

    /// <summary>As the contract declares (shumpune-proto at 4c87f03): declared exceptions, vector clocks, no length limits.</summary>
    Declared,
}
