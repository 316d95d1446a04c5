using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Thrift.Tests;

public class ThriftTimestampTests
{
    private static readonly DateTimeOffset Noon = new(2021, 9, 10, 12, 34, 56, TimeSpan.Zero);

    [Theory]
    [InlineData(0, "2021-09-10T12:34:56Z")]
    [InlineData(10_000, "2021-09-10T12:34:56.001Z")]
    [InlineData(7_890_000, "2021-09-10T12:34:56.789Z")]
    [InlineData(7_890_120, "2021-09-10T12:34:56.789012Z")]
    [InlineData(10, "2021-09-10T12:34:56.000001Z")]
    [InlineData(1, "2021-09-10T12:34:56.000000100Z")]
    public void An_instant_is_printed_with_0_3_6_or_9_digits(long ticks, string expected) =>
        Assert.Equal(expected, ThriftTimestamp.Format(Noon.AddTicks(ticks)));

    [Fact]
    public void An_instant_is_printed_in_utc() =>
        Assert.Equal("2021-09-10T12:34:56Z", ThriftTimestamp.Format(Noon.ToOffset(TimeSpan.FromHours(3))));

    [Theory]
    [InlineData("2021-09-10T12:34:56Z", 0)]
    [InlineData("2021-09-10T12:34:56.7Z", 7_000_000)]
    [InlineData("2021-09-10T12:34:56.78Z", 7_800_000)]
    [InlineData("2021-09-10T12:34:56.789012Z", 7_890_120)]
    [InlineData("2021-09-10T12:34:56.7890123Z", 7_890_123)]
    [InlineData("2021-09-10T12:34:56.789012345Z", 7_890_123)]
    [InlineData("2021-09-10T15:34:56+03:00", 0)]
    [InlineData("2021-09-10t12:34:56z", 0)]
    public void An_instant_with_0_to_9_digits_is_read(string text, long ticks) =>
        Assert.Equal(Noon.AddTicks(ticks), ThriftTimestamp.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("2021-09-10")]
    [InlineData("2021-09-10T12:34:56")]
    [InlineData("2021-09-10 12:34:56Z")]
    [InlineData("2021-09-10T12:34:56.Z")]
    [InlineData("2021-09-10T12:34:56.1234567890Z")]
    [InlineData("2021-02-30T12:34:56Z")]
    [InlineData("2021-09-10T25:34:56Z")]
    [InlineData("2021-09-10T12:34:56Z ")]
    [InlineData("2021-09-10T12:34:56Z\n")]
    [InlineData("٢٠٢١-09-10T12:34:56Z")]
    public void Anything_else_is_refused(string text)
    {
        Assert.False(ThriftTimestamp.TryParse(text, out _));
        Assert.Throws<ThriftFormatException>(() => ThriftTimestamp.Parse(text));
    }
}
