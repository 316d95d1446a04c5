using System.Diagnostics;
using PayoutManager.Domain.Money;
using static PayoutManager.Domain.CashFlows.AccountType;

namespace PayoutManager.Domain.CashFlows;

/// <summary>One move of money between two accounts.</summary>
/// <param name="Source">Where the money comes from.</param>
/// <param name="Destination">Where it goes.</param>
/// <param name="Volume">How much, in minor units.</param>
/// <param name="Details">What it is for, in words; null if nothing was said.</param>
[DebuggerDisplay("{Kind}: {Source} -> {Destination}, {Volume}")]
public sealed record CashFlowPosting(
    CashFlowAccount Source,
    CashFlowAccount Destination,
    Cash Volume,
    string? Details = null)
{
    /// <summary>What the posting is for.</summary>
    public PostingKind Kind => (Source.Type, Destination.Type) switch
    {
        (ProviderSettlement, MerchantSettlement) => PostingKind.Amount,
        (SystemSettlement, ExternalIncome or ExternalOutcome) => PostingKind.ExternalFee,
        (SystemSettlement, ProviderSettlement) => PostingKind.ProviderFee,
        (SystemSettlement, MerchantSettlement) => PostingKind.ReturnFee,
        (MerchantSettlement, SystemSettlement) => PostingKind.Fee,
        (MerchantSettlement, ProviderSettlement) => PostingKind.RefundAmount,
        (MerchantSettlement, MerchantGuarantee) => PostingKind.GuaranteeDeposit,
        (MerchantSettlement, MerchantPayout) => PostingKind.PayoutAmount,
        (MerchantPayout, SystemSettlement or MerchantSettlement) => PostingKind.PayoutFixedFee,
        _ => PostingKind.Unknown,
    };
}
