using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Thrift.Tests;

public class StrictReadingTests
{
    private const byte Stop = 0;
    private const byte String = 11;
    private const byte Struct = 12;
    private const byte Map = 13;
    private const byte Set = 14;
    private const byte List = 15;

    [Fact]
    public void Every_shortened_vector_is_refused()
    {
        foreach (var name in WireVectors.Names.Where(n => n.StartsWith("CreatePayout.call", StringComparison.Ordinal)))
        {
            var bytes = WireVectors.Bytes(name);
            for (var length = 0; length < bytes.Length; length++)
                Assert.Throws<ThriftFormatException>(() => ThriftMessage.Open(bytes[..length]).ReadBody<Calls.CreatePayout_args>());
        }
    }

    [Fact]
    public void Bytes_after_the_struct_are_refused()
    {
        var e = Assert.Throws<ThriftFormatException>(() =>
            ThriftMessage.Open([.. WireVectors.Bytes("GetPayout.call"), 0]).ReadBody<Calls.GetPayout_args>());
        Assert.Equal("1 bytes follow GetPayout_args", e.Message);
    }

    [Theory]
    [InlineData(List, Struct)]
    [InlineData(List, 2)]
    [InlineData(Set, String)]
    public void A_container_that_claims_more_than_is_left_is_refused_before_memory_is_taken(byte container, byte element)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ThriftFormatException>(() => ReadEvent([container, 0, 99, element, 0x7f, 0xff, 0xff, 0xff, Stop]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_list_of_structs_that_the_reader_keeps_is_checked_too()
    {
        // Field 6 of Payout, cash_flow: the generated reader reserves as many places as are claimed.
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ThriftFormatException>(() =>
            ThriftBinary.Deserialize<Payout>([List, 0, 6, Struct, 0x7f, 0xff, 0xff, 0xff, Stop]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_map_that_claims_more_than_is_left_is_refused() =>
        Assert.Throws<ThriftFormatException>(() => ReadEvent([Map, 0, 99, String, String, 0x7f, 0xff, 0xff, 0xff, Stop]));

    [Fact]
    public void A_string_that_claims_more_than_is_left_is_refused() =>
        Assert.Throws<ThriftFormatException>(() => ReadEvent([String, 0, 1, 0x7f, 0xff, 0xff, 0xff, Stop]));

    [Theory]
    [InlineData(String)]
    [InlineData(List)]
    [InlineData(Map)]
    public void A_negative_size_is_refused(byte type)
    {
        byte[] size = [0xff, 0xff, 0xff, 0xff];
        byte[] header = type switch { String => [], List => [String], _ => [String, String] };
        Assert.Throws<ThriftFormatException>(() => ReadEvent([type, 0, 99, .. header, .. size, Stop]));
    }

    [Fact]
    public void A_type_that_does_not_exist_is_refused() =>
        Assert.Throws<ThriftFormatException>(() => ReadEvent([7, 0, 99, 0, 0, 0, 0, Stop]));

    [Fact]
    public void Text_that_is_not_utf8_is_refused()
    {
        // Replacing the bad bytes would make one id of two.
        var e = Assert.Throws<ThriftFormatException>(() => ReadEvent([String, 0, 1, 0, 0, 0, 1, 0xff, Stop]));
        Assert.Equal("Event: a string is not UTF-8", e.Message);
    }

    [Fact]
    public void Nesting_beyond_the_limit_is_refused_without_a_stack_overflow()
    {
        var bytes = Enumerable.Repeat<byte[]>([Struct, 0, 99], 200_000).SelectMany(b => b).ToArray();
        var e = Assert.Throws<ThriftFormatException>(() => ReadEvent(bytes));
        Assert.Contains("epth", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fields_that_are_not_declared_are_skipped()
    {
        byte[] foreign = [List, 0, 99, Struct, 0, 0, 0, 2, Stop, Stop];
        var bytes = WireVectors.Bytes("Event.created");

        Assert.Equal(
            ThriftBinary.Deserialize<Event>(bytes), ThriftBinary.Deserialize<Event>([.. foreign, .. bytes]));
    }

    [Fact]
    public void A_message_without_the_strict_version_is_refused() =>
        Assert.Throws<ThriftFormatException>(() => ThriftMessage.Open([0, 0, 0, 1, (byte)'x', 1, 0, 0, 0, 0, Stop]));

    [Fact]
    public void A_status_of_a_later_protocol_is_read_where_it_is_known_and_else_seen_as_undefined()
    {
        // Status 5, failed {}, of the later variant.
        Assert.IsType<PayoutStatus.failed>(ReadStatus([Struct, 0, 5, Struct, 0, 5, Stop, Stop, Stop]));
        Assert.IsType<PayoutStatus.___undefined>(ReadStatus([Struct, 0, 5, Struct, 0, 6, Stop, Stop, Stop]));
    }

    [Fact]
    public void Whatever_is_random_is_refused_or_read_but_never_anything_else()
    {
        var random = new Random(20261123);
        foreach (var name in WireVectors.Names.Where(n => n.Contains(".call", StringComparison.Ordinal)))
        {
            var vector = WireVectors.Bytes(name);
            for (var round = 0; round < 2_000; round++)
            {
                var bytes = (byte[])vector.Clone();
                for (var flips = random.Next(1, 4); flips > 0; flips--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                try
                {
                    ThriftMessage.Open(bytes).ReadBody<Calls.CreatePayout_args>();
                }
                catch (ThriftFormatException)
                {
                    // As it should be.
                }
            }
        }
    }

    private static void ReadEvent(byte[] bytes) => ThriftBinary.Deserialize<Event>(bytes);

    private static PayoutStatus? ReadStatus(byte[] bytes)
    {
        var holder = new StatusHolder();
        ThriftBinary.Read(() => holder.ReadAsync(ThriftBinary.Reader(bytes)), "status");
        return holder.Status;
    }

    private sealed class StatusHolder
    {
        public PayoutStatus? Status { get; private set; }

        public async Task ReadAsync(global::Thrift.Protocol.TProtocol protocol)
        {
            await protocol.ReadFieldBeginAsync(CancellationToken.None);
            Status = await PayoutStatus.ReadAsync(protocol, CancellationToken.None);
        }
    }
}
