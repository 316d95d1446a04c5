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

    public Task<TopicContents> ReadAsync(DateTimeOffset since, PayoutId? payoutId, CancellationToken cancellationToken) =>
        ReadFault is { } fault ? Task.FromException<TopicContents>(fault) : Task.FromResult(new TopicContents(
            since > KeptSince ? since : KeptSince,
            Records.Where(r => payoutId is null || r.PayoutId == payoutId.Value)
                .GroupBy(r => r.PayoutId)
                .ToDictionary(r => r.Key, r => (IReadOnlyList<PublishedEvent>)[.. r.Select(e => e.Record)])));

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
