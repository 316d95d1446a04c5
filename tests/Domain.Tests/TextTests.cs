using System.Text.Json;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Domain.Tests;

/// <summary>Values to text and JSON, and back.</summary>
public class TextTests
{
    [Fact]
    public void Values_are_read_as_they_are_written()
    {
        Assert.Equal(new Cash(-100_000, new Currency("RUB")), Cash.Parse("-100000 RUB"));
        Assert.Equal("-100000 RUB", Cash.Parse("-100000 RUB").ToString());
        Assert.Equal(new Currency("USD"), Currency.Parse("USD"));
        Assert.Equal(new PayoutId("p 1"), PayoutId.Parse("p 1"));
        Assert.Equal(new PartyId("p"), PartyId.Parse("p"));
        Assert.Equal(new ShopId("s"), ShopId.Parse("s"));
        Assert.Equal(new PayoutToolId("t"), PayoutToolId.Parse("t"));
    }

    [Theory]
    [InlineData("100000")]
    [InlineData("100000 rub")]
    [InlineData("1,000 RUB")]
    [InlineData("1.5 RUB")]
    [InlineData("100000  RUB")]
    [InlineData("9223372036854775808 RUB")]
    [InlineData("")]
    public void What_is_no_money_is_refused_with_an_example(string text)
    {
        Assert.False(Cash.TryParse(text, null, out _));
        Assert.Equal(
            $"'{text}' is no amount of money: must be whole minor units, a space and a currency, such as 100000 RUB.",
            Assert.Throws<FormatException>(() => Cash.Parse(text)).Message);
    }

    [Fact]
    public void What_is_no_id_and_no_currency_is_refused_with_the_reason()
    {
        Assert.Equal("'' is no PayoutId: must not be empty.", Assert.Throws<FormatException>(() => PayoutId.Parse("")).Message);
        Assert.Equal(
            "'R' is no currency: must be 3 to 8 characters A–Z or 0–9.", Assert.Throws<FormatException>(() => Currency.Parse("R")).Message);
        Assert.False(PayoutId.TryParse(null, null, out _));
        Assert.False(Currency.TryParse("rub", null, out _));
    }

    [Fact]
    public void Ids_and_currencies_are_texts_in_json_also_as_keys()
    {
        var json = JsonSerializer.Serialize(new Dictionary<PayoutId, Cash> { [new PayoutId("p1")] = new Cash(5, new Currency("RUB")) });

        Assert.Equal("""{"p1":{"Amount":5,"Currency":"RUB"}}""", json);
        Assert.Equal(new Cash(5, new Currency("RUB")), JsonSerializer.Deserialize<Dictionary<PayoutId, Cash>>(json)![new PayoutId("p1")]);
        Assert.Equal("'' is no ShopId: must not be empty.", Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<ShopId>("\"\"")).Message);
        Assert.Equal("A ShopId is a string in JSON, not a Number.", Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<ShopId>("7")).Message);
    }

    [Theory]
    [InlineData("""{"state":"unpaid"}""")]
    [InlineData("""{"state":"paid"}""")]
    [InlineData("""{"state":"confirmed"}""")]
    [InlineData("""{"state":"failed"}""")]
    [InlineData("""{"state":"cancelled","details":"why"}""")]
    [InlineData("""{"state":"cancelled","details":""}""")]
    public void A_status_is_read_as_it_is_written(string json) =>
        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<PayoutStatus>(json)));

    [Theory]
    [InlineData("""{"state":"lost"}""", "'lost' is no state of a payout: must be unpaid, paid, confirmed, cancelled or failed.")]
    [InlineData("""{"state":"failed","details":"why"}""", "A payout that is failed has no details.")]
    [InlineData("""{"state":"unpaid","details":"why"}""", "A payout that is unpaid has no details.")]
    [InlineData("""{"state":"cancelled"}""", "The details of a cancelled payout must be given.")]
    [InlineData("""{"details":"why"}""", "A PayoutStatus is an object with a state in JSON.")]
    [InlineData("7", "A PayoutStatus is an object with a state in JSON.")]
    public void What_is_no_status_is_refused_with_the_reason(string json, string reason) =>
        Assert.Equal(reason, Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<PayoutStatus>(json)).Message);
}
