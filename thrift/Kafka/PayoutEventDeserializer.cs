using Confluent.Kafka;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Thrift.Kafka;

/// <summary>
/// Reads the values of the topic's records: an <see cref="Event"/> as a bare struct in Thrift's strict binary protocol. Events come
/// at least once and in order for each payout; drop what you have seen by (<c>PayoutId</c>, <c>SequenceId</c>).
/// </summary>
/// <example><c>new ConsumerBuilder&lt;string, Event&gt;(config).SetValueDeserializer(new PayoutEventDeserializer())</c></example>
public sealed class PayoutEventDeserializer : IDeserializer<Event>
{
    /// <inheritdoc/>
    /// <exception cref="ThriftFormatException">The record has no value, or not an event's.</exception>
    public Event Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => isNull
        ? throw new ThriftFormatException($"a record of {context.Topic} has no value")
        : ThriftBinary.Deserialize<Event>(data.ToArray());
}
