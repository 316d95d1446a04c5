using Confluent.Kafka;
using PayoutManager.Thrift.Kafka;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Thrift.Tests;

public class PayoutEventDeserializerTests
{
    private static readonly SerializationContext Context = new(MessageComponentType.Value, "pm-events-payout");

    [Theory]
    [InlineData("Event.created", 0)]
    [InlineData("Event.status_changed.confirmed", 1)]
    [InlineData("Event.status_changed.cancelled", 2)]
    public void An_event_is_read_as_what_it_is(string vector, int kind)
    {
        var told = Read(WireVectors.Bytes(vector));

        Assert.Equal(WireVectors.Value(vector).GetProperty("payout").GetProperty("payout_id").GetString(), told.PayoutId);
        Assert.Equal(
            kind,
            (told.PayoutChange, told.Payout!.Status) switch
            {
                (PayoutChange.created, _) => 0,
                (PayoutChange.status_changed, PayoutStatus.confirmed) => 1,
                (PayoutChange.status_changed, PayoutStatus.cancelled) => 2,
                _ => -1,
            });
        Assert.Equal(WireVectors.Bytes(vector), ThriftBinary.Serialize(told));
    }

    [Fact]
    public void What_is_no_event_is_refused_with_the_reason()
    {
        Assert.Equal(
            "a record of pm-events-payout has no value",
            Assert.Throws<ThriftFormatException>(() => new PayoutEventDeserializer().Deserialize([], isNull: true, Context)).Message);
        Assert.Equal("Event: ends too early", Assert.Throws<ThriftFormatException>(() => Read([])).Message);
        Assert.Equal(
            "Event: a string claims the size 3, 1 bytes are left", Assert.Throws<ThriftFormatException>(() => Read(WireVectors.Bytes("Event.created")[..^5])).Message);
        Assert.Equal(
            "1 bytes follow Event", Assert.Throws<ThriftFormatException>(() => Read([.. WireVectors.Bytes("Event.created"), 0])).Message);
    }

    private static Event Read(byte[] bytes) => new PayoutEventDeserializer().Deserialize(bytes, isNull: false, Context);
}
