namespace PayoutManager.Domain.CashFlows;

/// <summary>The role that an account plays in a cash flow: every account type of the platform's protocol.</summary>
public enum AccountType
{
    /// <summary>What the platform owes the merchant.</summary>
    MerchantSettlement,

    /// <summary>Kept back from the merchant as a guarantee.</summary>
    MerchantGuarantee,

    /// <summary>On its way out to the merchant.</summary>
    MerchantPayout,

    /// <summary>What the platform and a payment provider owe each other.</summary>
    ProviderSettlement,

    /// <summary>The platform's own money.</summary>
    SystemSettlement,

    /// <summary>The platform's money with a subagent.</summary>
    SystemSubagent,

    /// <summary>Money that comes in from outside.</summary>
    ExternalIncome,

    /// <summary>Money that goes outside.</summary>
    ExternalOutcome,

    /// <summary>Where a wallet transfer's money comes from.</summary>
    WalletSenderSource,

    /// <summary>The sending wallet.</summary>
    WalletSenderSettlement,

    /// <summary>The receiving wallet.</summary>
    WalletReceiverSettlement,

    /// <summary>Where a wallet transfer's money goes.</summary>
    WalletReceiverDestination,
}
