using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;

namespace PayoutManager.Infrastructure.Kafka;

/// <summary>Sends events to Kafka: key is the payout id, value is the stored payload.</summary>
internal sealed class KafkaEventPublisher(KafkaOptions options, TimeProvider clock, ILogger<KafkaEventPublisher> logger) : IEventPublisher
{
    // A broker that is down is told of with each attempt to connect.
    private readonly LogInterval _errorLines = new(clock);

    public IEventSession Open() => new Session(options, _errorLines, logger);

    private sealed class Session : IEventSession
    {
        // Reports are made by librdkafka alone, at once.
        private static readonly TimeSpan ReportTime = TimeSpan.FromSeconds(5);

        private readonly string _topic;
        private readonly IProducer<byte[], byte[]> _producer;
        private volatile bool _broken;

        public Session(KafkaOptions options, LogInterval errorLines, ILogger logger)
        {
            _topic = options.Topic;
            _producer = new ProducerBuilder<byte[], byte[]>(KafkaProducerConfig.Build(options))
                .SetErrorHandler((_, error) =>
                {
                    if (errorLines.Count() is { } count)
                        KafkaLog.Error(logger, count, error.Code, error.Reason);
                    else if (error.IsFatal)
                        KafkaLog.Error(logger, 1, error.Code, error.Reason);
                    _broken |= error.IsFatal;
                })
                .SetLogHandler((_, message) => KafkaLog.Message(logger, message.Name, message.Message))
                .Build();
        }

        public bool IsBroken => _broken;

        public Task SendAsync(OutboxEvent outboxEvent)
        {
            var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var message = new Message<byte[], byte[]>
            {
                Key = Encoding.UTF8.GetBytes(outboxEvent.PayoutId.Value),
                Value = outboxEvent.Payload,
            };
            var span = StartSpan(outboxEvent);
            if ((span?.Id ?? outboxEvent.TraceParent) is { } traceParent)
                message.Headers = new Headers { { "traceparent", Encoding.ASCII.GetBytes(traceParent) } };
            try
            {
                _producer.Produce(_topic, message, report => End(report.Error));
            }
            catch (KafkaException e)
            {
                // Refused before it was queued: too large, or the queue is full.
                End(e.Error);
            }

            return sent.Task;

            void End(Error error)
            {
                if (error.IsError)
                    span?.SetStatus(ActivityStatusCode.Error, error.Reason);
                span?.Dispose();
                if (error.IsError)
                    sent.TrySetException(new KafkaException(error));
                else
                    sent.TrySetResult();
            }
        }

        /// <summary>The sending's span under the work that made the change, however long ago that was.</summary>
        private Activity? StartSpan(OutboxEvent outboxEvent)
        {
            if (!ActivityContext.TryParse(outboxEvent.TraceParent, null, isRemote: true, out var parent))
                return null;
            // It ends on another thread, and is nobody's current one.
            var current = Activity.Current;
            var span = KafkaTelemetry.Source.StartActivity($"send {_topic}", ActivityKind.Producer, parent);
            Activity.Current = current;
            return span?
                .SetTag("messaging.system", "kafka")
                .SetTag("messaging.destination.name", _topic)
                .SetTag("payout.id", outboxEvent.PayoutId.Value);
        }

        /// <summary>Every event that was not acknowledged so far has failed when this is over.</summary>
        public void Dispose()
        {
            LibrdkafkaPurge.Purge(_producer.Handle);
            _producer.Flush(ReportTime);
            _producer.Dispose();
        }
    }
}

/// <summary>What is told of sending to Kafka.</summary>
public static class KafkaTelemetry
{
    /// <summary>The name of the spans' source.</summary>
    public const string Name = "PayoutManager.Kafka";

    internal static readonly ActivitySource Source = new(Name);
}

internal static partial class KafkaLog
{
    [LoggerMessage(80, LogLevel.Warning, "Kafka: errors, {Count} since the last such line, the latest {Code}: {Reason}")]
    public static partial void Error(ILogger logger, int count, ErrorCode code, string reason);

    [LoggerMessage(81, LogLevel.Debug, "Kafka: {Client}: {Message}")]
    public static partial void Message(ILogger logger, string client, string message);
}
