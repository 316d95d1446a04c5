using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;
using static PayoutManager.Domain.Tests.Builders;

namespace PayoutManager.Domain.Tests;

public class ValueTests
{
    [Theory]
    [InlineData("RUB")]
    [InlineData("USDT")]
    [InlineData("1INCH000")]
    public void A_currency_is_3_to_8_letters_or_digits(string code) => Assert.Equal(code, new Currency(code).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("RU")]
    [InlineData("RUBRUBRUB")]
    [InlineData("rub")]
    [InlineData("РУБ")]
    [InlineData("RU B")]
    public void Anything_else_is_no_currency(string code)
    {
        var e = Assert.Throws<ArgumentException>(() => new Currency(code));
        Assert.StartsWith("must be 3 to 8 characters A–Z or 0–9", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Currencies_and_amounts_are_equal_by_value()
    {
        Assert.Equal(new Cash(5, new Currency("USD")), new Cash(5, new Currency("USD")));
        Assert.NotEqual(new Cash(5, new Currency("USD")), new Cash(5, new Currency("EUR")));
        Assert.Equal("5 USD", new Cash(5, new Currency("USD")).ToString());
    }

    [Theory]
    [InlineData(long.MinValue, null)]
    [InlineData(9_007_199_254_740_991, null)]
    [InlineData(9_007_199_254_740_992, "must be at most 9007199254740991 minor units, is 9007199254740992")]
    [InlineData(long.MaxValue, "must be at most 9007199254740991 minor units, is 9223372036854775807")]
    public void An_amount_to_be_moved_ends_far_from_where_the_ledger_would_wrap(long amount, string? fault)
    {
        Assert.Equal(fault, Cash.AmountFault(amount));
        Assert.Equal(
            fault is null ? null : $"posting 2 {fault}",
            new CashFlow([Posting(AccountType.MerchantSettlement, AccountType.MerchantPayout, 5), Posting(AccountType.MerchantPayout, AccountType.SystemSettlement, amount)]).AmountFault());
    }

    [Theory]
    [InlineData(128, null)]
    [InlineData(129, "all postings together must be at most 1152921504606846976 minor units, are 1161928703861587839")]
    public void All_amounts_together_end_far_from_where_the_ledger_would_wrap(int postings, string? fault) => Assert.Equal(
        fault,
        new CashFlow(Enumerable.Repeat(Posting(AccountType.MerchantSettlement, AccountType.ProviderSettlement, Cash.MaxAmount), postings)).AmountFault());

    /// <summary>A predecessor's rows are read as they are, whatever today's rules.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("rub")]
    [InlineData("a\nb")]
    public void What_was_stored_before_is_taken_as_it_is(string stored)
    {
        Assert.Equal(stored, Currency.Restore(stored).Code);
        Assert.Equal(stored, PayoutId.Restore(stored).Value);
        Assert.Equal(stored, PartyId.Restore(stored).Value);
        Assert.Equal(stored, ShopId.Restore(stored).Value);
        Assert.Equal(stored, PayoutToolId.Restore(stored).Value);
        Assert.Equal(PayoutId.Restore("p1"), new PayoutId("p1"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void An_identifier_has_1_to_256_characters(int length) =>
        Assert.Equal(length, new PayoutId(new string('я', length)).Value.Length);

    [Theory]
    [InlineData("", "must not be empty")]
    [InlineData("a\u0000b", "must not contain control characters or unpaired surrogates")]
    [InlineData("a\nb", "must not contain control characters or unpaired surrogates")]
    [InlineData("a\u007fb", "must not contain control characters or unpaired surrogates")]
    [InlineData("a\u0085b", "must not contain control characters or unpaired surrogates")]
    public void Anything_else_is_no_identifier(string value, string fault)
    {
        Assert.Equal(fault, Identifier.Fault(value));
        Assert.StartsWith(fault, Assert.Throws<ArgumentException>(() => new PayoutId(value)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new PartyId(value));
        Assert.Throws<ArgumentException>(() => new ShopId(value));
        Assert.Throws<ArgumentException>(() => new PayoutToolId(value));
    }

    [Fact]
    public void An_identifier_that_is_too_long_is_told_its_length() =>
        Assert.Equal("must be at most 256 characters, is 257", Identifier.Fault(new string('a', 257)));

    [Fact]
    public void An_unpaired_surrogate_is_no_character()
    {
        Assert.Equal("must not contain control characters or unpaired surrogates", Identifier.Fault("a\ud800"));
        Assert.Equal("must not contain control characters or unpaired surrogates", Identifier.Fault("\udc00a"));
    }

    [Fact]
    public void A_surrogate_pair_is_a_character_like_any_other() => Assert.Null(Identifier.Fault("payout-😀"));
}
