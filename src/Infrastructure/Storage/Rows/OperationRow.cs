namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>payout_operation</c>: a change under way or, of kind <see cref="Spent"/>, a note of spent plan ids.</summary>
internal sealed class OperationRow
{
    public const string Create = "create";
    public const string Confirm = "confirm";
    public const string Cancel = "cancel";
    public const string Spent = "spent";

    public required string PayoutId { get; set; }

    public required string Kind { get; set; }

    /// <summary>The attempt under way; of a <see cref="Spent"/> row the last one spent.</summary>
    public int Attempt { get; set; }

    public string? Owner { get; set; }

    /// <summary>By the database's clock; null where nothing is under way.</summary>
    public DateTime? LeaseUntil { get; set; }

    /// <summary>When this operation was written down, by the database's clock.</summary>
    public DateTime StartedAt { get; set; }

    /// <summary>What is to be done, as JSON; null where nothing is under way.</summary>
    public string? Request { get; set; }

    /// <summary>Who asked for it; null where nobody said.</summary>
    public string? Actor { get; set; }

    /// <summary>Why, in the words of whoever asked; null for calls that give no reason.</summary>
    public string? Reason { get; set; }

    /// <summary>How many times recovery has failed to finish it.</summary>
    public int FailedTries { get; set; }

    /// <summary>Why the latest try failed; null if none has.</summary>
    public string? LastError { get; set; }

    /// <summary>
    /// Whether the ledger refused the plan of the attempt to an earlier operation; of a <see cref="Spent"/> row, that of the attempt after it.
    /// </summary>
    public bool PlanRefused { get; set; }

    /// <summary>Until when recovery leaves it alone, by the database's clock; null if no try of recovery has failed.</summary>
    public DateTime? NextTryAt { get; set; }
}
