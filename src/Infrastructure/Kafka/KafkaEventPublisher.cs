using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Kafka;

/// <summary>Sends events to Kafka: key is the payout id, value is the stored payload.</summary>
internal sealed class KafkaEventPublisher(KafkaOptions options, ILogger<KafkaEventPublisher> logger) : IEventPublisher
{
    public IEventSession Open() => new Session(options, logger);

    private sealed class Session : IEventSession
    {
        private readonly string _topic;
        private readonly IProducer<byte[], byte[]> _producer;
        private volatile bool _broken;

        public Session(KafkaOptions options, ILogger logger)
        {
            _topic = options.Topic;
            _producer = new ProducerBuilder<byte[], byte[]>(KafkaProducerConfig.Build(options))
                .SetErrorHandler((_, error) =>
                {
                    KafkaLog.Error(logger, error.Code, error.Reason);
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
            try
            {
                _producer.Produce(_topic, message, report =>
                {
                    if (report.Error.IsError)
                        sent.TrySetException(new KafkaException(report.Error));
                    else
                        sent.TrySetResult();
                });
            }
            catch (KafkaException e)
            {
                // Refused before it was queued: too large, or the queue is full.
                sent.TrySetException(e);
            }

            return sent.Task;
        }

        public void Dispose() => _producer.Dispose();
    }
}

internal static partial class KafkaLog
{
    [LoggerMessage(80, LogLevel.Warning, "Kafka: {Code}: {Reason}")]
    public static partial void Error(ILogger logger, ErrorCode code, string reason);

    [LoggerMessage(81, LogLevel.Debug, "Kafka: {Client}: {Message}")]
    public static partial void Message(ILogger logger, string client, string message);
}
