namespace PayoutManager.Domain.CashFlows;

/// <summary>What a posting of a cash flow is for, read off its account types.</summary>
public enum PostingKind
{
    /// <summary>None of the others.</summary>
    Unknown,

    /// <summary>provider.settlement → merchant.settlement: a payment reaches the merchant.</summary>
    Amount,

    /// <summary>merchant.settlement → system.settlement: the merchant pays the platform.</summary>
    Fee,

    /// <summary>system.settlement → external.income or external.outcome: the platform pays an outsider.</summary>
    ExternalFee,

    /// <summary>system.settlement → provider.settlement: the platform pays the provider.</summary>
    ProviderFee,

    /// <summary>system.settlement → merchant.settlement: the platform gives a fee back.</summary>
    ReturnFee,

    /// <summary>merchant.settlement → provider.settlement: a payment goes back.</summary>
    RefundAmount,

    /// <summary>merchant.settlement → merchant.guarantee: kept as a guarantee.</summary>
    GuaranteeDeposit,

    /// <summary>merchant.settlement → merchant.payout: what leaves the merchant's balance.</summary>
    PayoutAmount,

    /// <summary>merchant.payout → system.settlement or merchant.settlement: taken off what leaves.</summary>
    PayoutFixedFee,
}
