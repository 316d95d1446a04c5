using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>
/// A change of a payout that is under way: written down before the ledger is touched, removed in the transaction that
/// applies its result.
/// </summary>
/// <param name="PayoutId">The payout. It has at most one operation.</param>
/// <param name="Intent">What is to be done.</param>
/// <param name="Attempt">
/// From 1. Of a create, which hold; of the cancel of a confirmed payout, which revert; otherwise always 1.
/// </param>
/// <param name="Owner">Who may act on it while the lease runs.</param>
/// <param name="Actor">Who asked for it, also where somebody else finishes it; null if nobody said.</param>
public sealed record Operation(PayoutId PayoutId, OperationIntent Intent, int Attempt, string Owner, Actor? Actor = null)
{
    // Asked for once: each time would be a call of the operating system.
    private static readonly string Host = Environment.MachineName;

    /// <summary>How many times recovery had failed to finish it when it was read.</summary>
    public int FailedTries { get; init; }

    /// <summary>
    /// Whether this attempt's plan was refused to an earlier operation, which has ended. A call of that one may still be under way, so a
    /// create makes sure that the plan is spent and goes on with the next.
    /// </summary>
    public bool PlanWasRefused { get; init; }

    /// <summary>A name for an owner that nobody else uses: each drive of each operation has its own.</summary>
    public static string NewOwner() => $"{Host}/{Guid.CreateVersion7():N}";
}

/// <summary>What an operation is to do, with all that is needed to finish it without the caller.</summary>
public abstract record OperationIntent;

/// <summary>Create a payout.</summary>
/// <param name="Request">What the caller asked for; a repeat is recognised by it.</param>
/// <param name="Payout">The payout to be.</param>
/// <param name="IdIsOurs">Whether this service made the payout id, so that nobody can ask for it again.</param>
public sealed record CreateIntent(PayoutRequest Request, Payout Payout, bool IdIsOurs) : OperationIntent;

/// <summary>Confirm a payout.</summary>
public sealed record ConfirmIntent : OperationIntent;

/// <summary>Cancel a payout.</summary>
/// <param name="Details">Why.</param>
public sealed record CancelIntent(string Details) : OperationIntent;

/// <summary>The parameters of a create, as the caller gave them.</summary>
/// <param name="PartyId">Whose money.</param>
/// <param name="ShopId">Which shop's.</param>
/// <param name="Cash">How much leaves the settlement account before fees.</param>
/// <param name="PayoutToolId">By which tool; null for the shop's own.</param>
public sealed record PayoutRequest(PartyId PartyId, ShopId ShopId, Cash Cash, PayoutToolId? PayoutToolId)
{
    /// <summary>
    /// Stands for the request: equal for equal requests and for no others. SHA-256 as base64url without padding, 43 characters. Stored
    /// with each payout, so its form never changes.
    /// </summary>
    public string Digest()
    {
        // Each part with its length before it, so that no two requests run together to the same text.
        var text = new StringBuilder();
        foreach (var part in (string?[])[PartyId.Value, ShopId.Value, Cash.Amount.ToString(CultureInfo.InvariantCulture), Cash.Currency.Code, PayoutToolId?.Value])
            text.Append(CultureInfo.InvariantCulture, $"{part?.Length ?? -1}:{part}");
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}

/// <summary>What an operation that had no effect leaves behind for the next one of its payout id.</summary>
/// <param name="SpentAttempts">How many attempts' plan ids must never be used again. The next create or cancel begins with the one after them.</param>
/// <param name="NextWasRefused">Whether the ledger refused the plan of the attempt after them: <see cref="Operation.PlanWasRefused"/>.</param>
public readonly record struct AttemptNote(int SpentAttempts, bool NextWasRefused = false)
{
    /// <summary>Nothing is left behind.</summary>
    public static AttemptNote None => default;
}

/// <summary>What came of writing an operation down.</summary>
public abstract record Intended
{
    private Intended()
    {
    }

    /// <summary>The operation is written down and the owner's.</summary>
    /// <param name="Operation">The operation.</param>
    public sealed record Started(Operation Operation) : Intended;

    /// <summary>Nothing was written: the payout is not as the caller knows it.</summary>
    public sealed record PayoutMoved : Intended;

    /// <summary>Nothing was written: another operation of the payout is under way.</summary>
    /// <param name="Operation">That operation.</param>
    /// <param name="LeaseRanOut">Whether it may be taken over.</param>
    public sealed record Occupied(Operation Operation, bool LeaseRanOut) : Intended;

    /// <summary>Nothing was written: another operation of the payout ended at this moment. Look again.</summary>
    public sealed record Vacated : Intended;
}
