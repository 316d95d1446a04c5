using PayoutManager.Application.Ports;

namespace PayoutManager.Testing.InMemory;

/// <summary>A topic in memory, which refuses and delays what it is told to.</summary>
public sealed class InMemoryBroker : IEventPublisher
{
    /// <summary>What has arrived, in order.</summary>
    public List<(string PayoutId, int SequenceId)> Topic { get; } = [];

    /// <summary>How many times an event is refused before it is taken.</summary>
    public Dictionary<(string PayoutId, int SequenceId), int> Refusals { get; } = [];

    /// <summary>Whether acknowledgements are kept back.</summary>
    public TaskCompletionSource? Silence { get; set; }

    /// <summary>Breaks each open line for good.</summary>
    public bool BreakNext { get; set; }

    public int Opened { get; private set; }

    public IEventSession Open()
    {
        Opened++;
        return new Session(this);
    }

    private sealed class Session(InMemoryBroker broker) : IEventSession
    {
        public bool IsBroken { get; private set; }

        public async Task SendAsync(OutboxEvent outboxEvent)
        {
            var key = (outboxEvent.PayoutId.Value, outboxEvent.SequenceId);
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
            broker.Topic.Add(key);
        }

        public void Dispose()
        {
        }
    }
}
