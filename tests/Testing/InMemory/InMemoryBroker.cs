using PayoutManager.Application.Audit;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Testing.InMemory;

/// <summary>A topic in memory, which refuses and delays what it is told to.</summary>
public sealed class InMemoryBroker : IEventPublisher, IPublishedEvents
{
    /// <summary>What has arrived, in order.</summary>
    public List<(string PayoutId, int SequenceId)> Topic { get; } = [];

    /// <summary>The same as a reader sees it.</summary>
    public List<(string PayoutId, PublishedEvent Record)> Records { get; } = [];

    /// <summary>From when on the topic forgets nothing.</summary>
    public DateTimeOffset KeptSince { get; set; } = DateTimeOffset.MinValue;

    /// <summary>How many times an event is refused before it is taken.</summary>
    public Dictionary<(string PayoutId, int SequenceId), int> Refusals { get; } = [];

    /// <summary>Fails the next reading of the topic.</summary>
    public Exception? ReadFault { get; set; }

    /// <summary>Whether acknowledgements are kept back.</summary>
    public TaskCompletionSource? Silence { get; set; }

    /// <summary>Breaks each open line for good.</summary>
    public bool BreakNext { get; set; }

    /// <summary>Whether every event is refused.</summary>
    public bool RefusesAll { get; set; }

    /// <summary>What was sent to it, refused or not, in order.</summary>
    public List<(string PayoutId, int SequenceId)> Sent { get; } = [];

    public int Opened { get; private set; }

    public int Closed { get; private set; }

    public IEventSession Open()
    {
        Opened++;
        return new Session(this);
    }

    /// <summary>The spans of time for which the topic was read, and of how many payouts.</summary>
    public List<(DateTimeOffset Since, DateTimeOffset? Until, int Payouts)> Reads { get; } = [];

    /// <summary>When a record was sent; those that are not here are found in every span of time.</summary>
    public Dictionary<long, DateTimeOffset> SentAt { get; } = [];

    public Task<TopicContents> ReadAsync(
        DateTimeOffset since, DateTimeOffset? until, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken)
    {
        if (ReadFault is { } fault)
            return Task.FromException<TopicContents>(fault);
        Reads.Add((since, until, payoutIds.Count));
        var wanted = new WantedRecords(payoutIds);
        foreach (var (payoutId, record) in Records)
        {
            if (!SentAt.TryGetValue(record.Offset, out var at) || (at >= since && !(at > until)))
                wanted.Add(payoutId, record);
        }

        return Task.FromResult(wanted.ToContents(since > KeptSince ? since : KeptSince, new Dictionary<int, long> { [0] = Records.Count }));
    }

    public Task<TopicContents> ReadOnAsync(
        TopicContents read, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken)
    {
        if (ReadFault is { } fault)
            return Task.FromException<TopicContents>(fault);
        var wanted = new WantedRecords(payoutIds);
        foreach (var (payoutId, record) in Records.Skip((int)read.Ends[0]))
            wanted.Add(payoutId, record);
        return Task.FromResult(wanted.ToContents(read.CompleteSince, new Dictionary<int, long> { [0] = Records.Count }));
    }

    private sealed class Session(InMemoryBroker broker) : IEventSession
    {
        private bool _isClosed;

        public bool IsBroken { get; private set; }

        public async Task SendAsync(OutboxEvent outboxEvent)
        {
            var key = (outboxEvent.PayoutId.Value, outboxEvent.SequenceId);
            broker.Sent.Add(key);
            if (broker.RefusesAll)
                throw new IOException("not authorized");
            if (broker.BreakNext)
            {
                broker.BreakNext = false;
                IsBroken = true;
                throw new IOException("fatal");
            }

            if (broker.Refusals.TryGetValue(key, out var left) && left > 0)
            {
                broker.Refusals[key] = left - 1;
                throw new IOException("too large");
            }

            if (broker.Silence is { } silence)
                await silence.Task;
            if (_isClosed)
                throw new IOException("purged");
            broker.Topic.Add(key);
            broker.Records.Add((
                key.Value,
                new PublishedEvent(
                    key.SequenceId,
                    PayloadDigest.Of(outboxEvent.Payload),
                    Partition: 0,
                    broker.Records.Count,
                    InMemoryStore.StateOf(outboxEvent.Payload))));
        }

        public void Dispose()
        {
            _isClosed = true;
            broker.Closed++;
        }
    }
}
