using System.Security.Cryptography;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Sandbox.Broker;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Infrastructure.Tests.Kafka;

public sealed class KafkaTests : IDisposable
{
    private const string Name = "payouts";

    private readonly EmbeddedBroker _broker = new(Name);

    public void Dispose() => _broker.Dispose();

    /// <summary>Hashes that Kafka's own tests of its Java client state.</summary>
    [Theory]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]
    [InlineData("abc", 479470107)]
    public void The_partition_test_hashes_as_java_does(string key, int hash) =>
        Assert.Equal(hash, Topic.Murmur2(Encoding.UTF8.GetBytes(key)));

    [Fact]
    public async Task An_event_is_in_the_partition_that_java_chooses_and_as_it_was_stored()
    {
        using var session = Publisher().Open();
        var payouts = Enumerable.Range(0, 20).Select(i => Payouts.Unpaid($"выплата-{i}")).ToList();

        await Task.WhenAll(payouts.Select((payout, i) => session.SendAsync(EventOf(i, payout))));

        var records = Topic.ReadUntil(_broker.BootstrapServers, Name, read => read.Count == payouts.Count);
        Assert.Equal(payouts.Select(p => p.Id.Value).Order(), records.Select(r => r.PayoutId).Order());
        Assert.All(records, record =>
        {
            Assert.Equal(Topic.JavaPartition(record.PayoutId, PartitionCount), record.Partition);
            Assert.Equal(record.PayoutId, record.Event.PayoutId);
            Assert.Equal(97_500, record.Event.Payout!.Amount);
        });
        Assert.True(records.Select(r => r.Partition).Distinct().Count() > 1);
    }

    [Fact]
    public async Task An_event_that_is_too_large_fails_and_others_pass()
    {
        using var session = Publisher().Open();
        var tooLarge = session.SendAsync(new OutboxEvent(1, new PayoutId("p1"), 0, new byte[2_000_000]));
        var fine = session.SendAsync(EventOf(2, Payouts.Unpaid("p2")));

        await Assert.ThrowsAnyAsync<KafkaException>(() => tooLarge);
        await fine;
        Assert.False(session.IsBroken);
    }

    [Fact]
    public async Task A_broker_out_of_reach_is_waited_for_and_nothing_leaves_once_the_line_is_closed()
    {
        var session = Publisher("127.0.0.1:1").Open();
        var sending = session.SendAsync(EventOf(1, Payouts.Unpaid("p1")));

        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System);
        Assert.False(sending.IsCompleted);
        session.Dispose();
        await Assert.ThrowsAsync<Confluent.Kafka.KafkaException>(() => sending);
    }

    [Fact]
    public void A_session_that_is_closed_gives_back_what_was_on_its_way()
    {
        Close(events: 5_000);
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var payloads = Enumerable.Range(0, 5).Select(_ => Close(events: 5_000)).ToList();

        var after = GC.GetTotalMemory(forceFullCollection: true);
        Assert.All(payloads, payload => Assert.False(payload.IsAlive));
        // Before, it was 5 MiB for each.
        Assert.InRange(after - before, long.MinValue, 2_000_000);

        WeakReference Close(int events)
        {
            var session = Publisher("127.0.0.1:1").Open();
            var payload = new byte[1000];
            var sending = Enumerable.Range(0, events).Select(i => session.SendAsync(new OutboxEvent(i, new PayoutId($"p{i}"), 0, payload))).ToList();
            session.Dispose();
            Assert.All(sending, task => Assert.NotNull(task.Exception));
            return new WeakReference(payload);
        }
    }

    [Fact]
    public async Task The_topic_is_read_as_it_was_sent()
    {
        using var session = Publisher().Open();
        var first = EventOf(1, Payouts.Unpaid("p1"));
        var second = EventOf(2, Payouts.Unpaid("p1").Confirm());
        await session.SendAsync(first);
        await session.SendAsync(second);
        await session.SendAsync(first);
        await session.SendAsync(EventOf(3, Payouts.Unpaid("p2")));
        await session.SendAsync(new OutboxEvent(4, new PayoutId("p2"), 1, [1, 2, 3]));
        var hourAgo = TimeProvider.System.GetUtcNow().AddHours(-1);

        var all = await Reader().ReadAsync(hourAgo, until: null, [new("p1"), new("p2"), new("p3")], CancellationToken.None);
        var one = await Reader().ReadAsync(hourAgo, until: hourAgo.AddHours(2), [new("p1")], CancellationToken.None);
        var later = await Reader().ReadAsync(hourAgo.AddHours(2), until: null, [new("p1"), new("p2")], CancellationToken.None);

        Assert.Equal(["p1", "p2"], all.Records.Keys.Order());
        // What comes again tells nothing new.
        Assert.Equal([0, 1], all.Records["p1"].Select(r => r.SequenceId));
        Assert.Equal([PayloadDigest.Of(first.Payload), PayloadDigest.Of(second.Payload)], all.Records["p1"].Select(r => r.Digest));
        Assert.All(all.Records["p1"], r => Assert.Equal(Topic.JavaPartition("p1", PartitionCount), r.Partition));
        Assert.Equal([0, null], all.Records["p2"].Select(r => r.SequenceId));
        Assert.Equal(hourAgo, all.CompleteSince);
        Assert.Equal(["p1"], one.Records.Keys);
        Assert.Empty(later.Records);
    }

    [Fact]
    public async Task Of_a_long_topic_only_what_is_wanted_is_kept()
    {
        const int Others = 200_000;
        using (var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = _broker.BootstrapServers,
            CompressionType = CompressionType.Lz4,
            LingerMs = 50,
            QueueBufferingMaxMessages = 1_000_000,
        }).SetLogHandler((_, _) => { }).Build())
        {
            var value = new byte[200];
            for (var i = 0; i < Others; i++)
                producer.Produce(Name, new Message<string, byte[]> { Key = $"other-{i}", Value = value });
            producer.Flush();
        }

        using var session = Publisher().Open();
        await session.SendAsync(EventOf(1, Payouts.Unpaid("p1")));
        PayoutId[] wanted = [new("p1"), new("other-7"), new("other-199999"), new("nobody")];
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var read = await Reader().ReadAsync(TimeProvider.System.GetUtcNow().AddHours(-1), until: null, wanted, CancellationToken.None);

        // All of them would be more than 40 MB.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 2_000_000);
        Assert.Equal(["other-199999", "other-7", "p1"], read.Records.Keys.Order(StringComparer.Ordinal));
        Assert.All(read.Records.Values, records => Assert.Single(records));
    }

    [Fact]
    public async Task What_the_topic_has_forgotten_is_said()
    {
        var since = TimeProvider.System.GetUtcNow().AddMinutes(-1);
        using var session = Publisher().Open();
        // The broker keeps 5 MiB of each partition.
        for (var i = 0; i < 8; i++)
            await session.SendAsync(new OutboxEvent(i, new PayoutId("p1"), 0, RandomNumberGenerator.GetBytes(900_000)));

        var read = await Reader().ReadAsync(since, until: null, [new("p1")], CancellationToken.None);

        Assert.InRange(read.Records["p1"].Count, 1, 7);
        Assert.True(read.Records["p1"][0].Offset > 0);
        Assert.InRange(read.CompleteSince, since.AddMinutes(1), TimeProvider.System.GetUtcNow());
    }

    [Fact]
    public async Task A_topic_out_of_reach_is_not_read()
    {
        var e = await Assert.ThrowsAsync<NotDoneException>(() => Reader("127.0.0.1:1").ReadAsync(
            DateTimeOffset.UnixEpoch, until: null, [new("p1")], CancellationToken.None));

        Assert.StartsWith("The topic cannot be read: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_probe_tells_whether_a_broker_answers()
    {
        using var there = new KafkaProbe(new KafkaOptions { BootstrapServers = _broker.BootstrapServers, Topic = Name });
        using var gone = new KafkaProbe(new KafkaOptions { BootstrapServers = "127.0.0.1:1" });

        Assert.Null(there.FindFault());
        Assert.StartsWith("Local: ", gone.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_topic_that_is_not_there_is_named_and_neither_the_probe_nor_the_relay_makes_it()
    {
        var options = new KafkaOptions { BootstrapServers = _broker.BootstrapServers, Topic = "nobody-made-it" };
        using var probe = new KafkaProbe(options);

        Assert.Equal("topic nobody-made-it does not exist", probe.FindFault());
        using var session = new KafkaEventPublisher(options, TimeProvider.System, NullLogger<KafkaEventPublisher>.Instance).Open();
        var sending = session.SendAsync(EventOf(1, Payouts.Unpaid("p1")));
        // By now the producer has asked for the topic, too.
        for (var i = 0; i < 3; i++)
            Assert.Equal("topic nobody-made-it does not exist", probe.FindFault());

        Assert.False(sending.IsCompletedSuccessfully);
        Assert.Equal([Name], Topic.List(_broker.BootstrapServers));
    }

    [Fact]
    public async Task A_topic_that_is_made_later_is_found_and_written_to()
    {
        var options = new KafkaOptions { BootstrapServers = _broker.BootstrapServers, Topic = "made-later" };
        using var probe = new KafkaProbe(options);
        using var session = new KafkaEventPublisher(options, TimeProvider.System, NullLogger<KafkaEventPublisher>.Instance).Open();
        var sending = session.SendAsync(EventOf(1, Payouts.Unpaid("p1")));
        Assert.NotNull(probe.FindFault());

        Topic.Create(_broker.BootstrapServers, "made-later");

        Assert.Null(probe.FindFault());
        await sending;
    }

    [Theory]
    [InlineData("acks", "is always all, because the order and safety of events rest on it")]
    [InlineData("request.required.acks", "is always all, because the order and safety of events rest on it")]
    [InlineData("enable.idempotence", "is always true, because the order and safety of events rest on it")]
    [InlineData("message.timeout.ms", "is always 0, because the order and safety of events rest on it")]
    [InlineData("delivery.timeout.ms", "is always 0, because the order and safety of events rest on it")]
    [InlineData("partitioner", "is always murmur2_random, because the order and safety of events rest on it")]
    [InlineData("allow.auto.create.topics", "is always false, because the order and safety of events rest on it")]
    [InlineData("bootstrap.servers", "is set by Kafka:BootstrapServers")]
    [InlineData("metadata.broker.list", "is set by Kafka:BootstrapServers")]
    [InlineData("queue.buffering.max.ms", "is called linger.ms here")]
    [InlineData("compression.codec", "is called compression.type here")]
    [InlineData("transactional.id", "cannot be set: the relay does not send in transactions")]
    [InlineData("retries", "cannot be set: what is not acknowledged is repeated until it is")]
    [InlineData("message.send.max.retries", "cannot be set: what is not acknowledged is repeated until it is")]
    [InlineData("queuing.strategy", "cannot be set: a payout's events are sent in their order")]
    [InlineData("delivery.report.only.error", "cannot be set: an event is acknowledged by its delivery report")]
    [InlineData("dotnet.producer.enable.delivery.reports", "cannot be set: it is not a property of a producer at a cluster of its own")]
    [InlineData("test.mock.num.brokers", "cannot be set: it is not a property of a producer at a cluster of its own")]
    public void A_property_that_the_promises_rest_on_cannot_be_configured(string name, string fault) =>
        Assert.Equal([(name, fault)], KafkaProducerConfig.Check(new Dictionary<string, string> { [name] = "x", ["ssl.ca.location"] = "x" }));

    [Theory]
    [InlineData("securty.protocol", "SSL", "securty.protocol")]
    [InlineData("socket.timeout.ms", "-1", "socket.timeout.ms")]
    [InlineData("compression.type", "zip", null)]
    [InlineData("debug", "all,nonsense", "debug")]
    [InlineData("error_cb", "x", "error_cb")]
    [InlineData("log_level", "loud", "log_level")]
    [InlineData("plugin.library.paths", "/nowhere", null)]
    [InlineData("client.id", "", null, true)]
    public void A_property_that_librdkafka_refuses_is_named(string name, string value, string? named, bool isFine = false)
    {
        var fault = KafkaProducerConfig.Try(new KafkaOptions
        {
            BootstrapServers = "localhost",
            Properties = new Dictionary<string, string> { ["client.rack"] = "r", [name] = value },
        });

        Assert.Equal(isFine, fault is null);
        Assert.Equal(named, fault?.Property);
        Assert.NotEqual("", fault?.Fault);
    }

    private static int PartitionCount => 4;

    private static OutboxEvent EventOf(long id, Payout payout) => new(
        id, payout.Id, payout.SequenceId, ThriftBinary.Serialize(PayoutContract.ToWire(PayoutEvent.OfLatestChange(payout, payout.CreatedAt))));

    private KafkaTopicReader Reader(string? bootstrapServers = null) =>
        new(new KafkaOptions { BootstrapServers = bootstrapServers ?? _broker.BootstrapServers, Topic = Name }, TimeProvider.System);

    private KafkaEventPublisher Publisher(string? bootstrapServers = null) => new(
        new KafkaOptions { BootstrapServers = bootstrapServers ?? _broker.BootstrapServers, Topic = Name },
        TimeProvider.System,
        NullLogger<KafkaEventPublisher>.Instance);
}
