using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Serialization;
using Wire = PayoutManager.Thrift.Domain;

namespace PayoutManager.Infrastructure.Contracts;

/// <summary>Cash-flow postings in the words of the wire, and back.</summary>
public static class CashFlowContract
{
    /// <summary>A posting as the wire has it.</summary>
    public static FinalCashFlowPosting ToWire(CashFlowPosting posting) =>
        new(ToWire(posting.Source), ToWire(posting.Destination), ToWire(posting.Volume)) { Details = posting.Details };

    /// <summary>A posting as the domain has it.</summary>
    /// <exception cref="ThriftFormatException">An account type or a currency is none that we know, or the details cannot be stored.</exception>
    public static CashFlowPosting FromWire(FinalCashFlowPosting posting)
    {
        if (posting.Details?.Contains('\0') == true)
            throw new ThriftFormatException("the details of a posting contain U+0000, which cannot be stored");
        try
        {
            return new CashFlowPosting(
                FromWire(posting.Source!),
                FromWire(posting.Destination!),
                new Domain.Money.Cash(posting.Volume!.Amount, new Currency(posting.Volume.Currency!.SymbolicCode)),
                posting.Details);
        }
        catch (ArgumentException e)
        {
            throw new ThriftFormatException($"currency '{posting.Volume!.Currency!.SymbolicCode}': {e.Message}", e);
        }
    }

    /// <summary>An amount of money as the wire has it.</summary>
    public static Wire.Cash ToWire(Domain.Money.Cash cash) => new(cash.Amount, new CurrencyRef(cash.Currency.Code));

    private static FinalCashFlowAccount ToWire(Domain.CashFlows.CashFlowAccount account) =>
        new(ToWire(account.Type), account.Id);

    private static Domain.CashFlows.CashFlowAccount FromWire(FinalCashFlowAccount account) =>
        new(FromWire(account.AccountType!), account.AccountId);

    private static Wire.CashFlowAccount ToWire(AccountType type) => type switch
    {
        AccountType.MerchantSettlement => new Wire.CashFlowAccount.merchant(MerchantCashFlowAccount.settlement),
        AccountType.MerchantGuarantee => new Wire.CashFlowAccount.merchant(MerchantCashFlowAccount.guarantee),
        AccountType.MerchantPayout => new Wire.CashFlowAccount.merchant(MerchantCashFlowAccount.payout),
        AccountType.ProviderSettlement => new Wire.CashFlowAccount.provider(ProviderCashFlowAccount.settlement),
        AccountType.SystemSettlement => new Wire.CashFlowAccount.system(SystemCashFlowAccount.settlement),
        AccountType.SystemSubagent => new Wire.CashFlowAccount.system(SystemCashFlowAccount.subagent),
        AccountType.ExternalIncome => new Wire.CashFlowAccount.external(ExternalCashFlowAccount.income),
        AccountType.ExternalOutcome => new Wire.CashFlowAccount.external(ExternalCashFlowAccount.outcome),
        AccountType.WalletSenderSource => new Wire.CashFlowAccount.wallet(WalletCashFlowAccount.sender_source),
        AccountType.WalletSenderSettlement => new Wire.CashFlowAccount.wallet(WalletCashFlowAccount.sender_settlement),
        AccountType.WalletReceiverSettlement => new Wire.CashFlowAccount.wallet(WalletCashFlowAccount.receiver_settlement),
        AccountType.WalletReceiverDestination => new Wire.CashFlowAccount.wallet(WalletCashFlowAccount.receiver_destination),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    private static AccountType FromWire(Wire.CashFlowAccount account) => account.Data switch
    {
        MerchantCashFlowAccount.settlement => AccountType.MerchantSettlement,
        MerchantCashFlowAccount.guarantee => AccountType.MerchantGuarantee,
        MerchantCashFlowAccount.payout => AccountType.MerchantPayout,
        ProviderCashFlowAccount.settlement => AccountType.ProviderSettlement,
        SystemCashFlowAccount.settlement => AccountType.SystemSettlement,
        SystemCashFlowAccount.subagent => AccountType.SystemSubagent,
        ExternalCashFlowAccount.income => AccountType.ExternalIncome,
        ExternalCashFlowAccount.outcome => AccountType.ExternalOutcome,
        WalletCashFlowAccount.sender_source => AccountType.WalletSenderSource,
        WalletCashFlowAccount.sender_settlement => AccountType.WalletSenderSettlement,
        WalletCashFlowAccount.receiver_settlement => AccountType.WalletReceiverSettlement,
        WalletCashFlowAccount.receiver_destination => AccountType.WalletReceiverDestination,
        var unknown => throw new ThriftFormatException($"unknown account type {unknown ?? "(none)"}"),
    };
}
