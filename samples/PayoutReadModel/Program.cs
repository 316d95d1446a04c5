// Keeps what the topic tells of payouts, so that it can be asked without asking the service. What was read and how far are kept in
// one file, which is replaced as a whole: killed at any moment, this program goes on where it was.
//
//   dotnet run -- kafka:9092 model.json 80      reads until 80 payouts are confirmed, cancelled or 30 s have passed without news
using System.Text.Json;
using Confluent.Kafka;
using PayoutManager.Thrift.Kafka;
using PayoutManager.Thrift.Payouts;

const string topic = "pm-events-payout";
var patience = TimeSpan.FromSeconds(30);
var model = Model.Load(args[1]);
var wanted = int.Parse(args[2]);

using var consumer = new ConsumerBuilder<string, Event>(new ConsumerConfig
{
    BootstrapServers = args[0],
    GroupId = "payout-read-model",
    EnableAutoCommit = false,
}).SetValueDeserializer(new PayoutEventDeserializer()).Build();
using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
consumer.Assign(admin.GetMetadata(topic, patience).Topics.Single().Partitions.Select(partition => new TopicPartitionOffset(
    topic, partition.PartitionId, model.Offsets.TryGetValue(partition.PartitionId, out var next) ? next : Offset.Beginning)));

while (model.Payouts.Values.Count(payout => payout.Status != "unpaid") < wanted && consumer.Consume(patience) is { } record)
{
    model.Apply(record.Message.Value);
    model.Offsets[record.Partition] = record.Offset + 1;
    model.Save(args[1]);
}

foreach (var (id, payout) in model.Payouts.OrderBy(p => p.Key, StringComparer.Ordinal))
    Console.WriteLine($"{id} {payout.Status} {payout.Amount}");

/// <summary>A payout as it was last told of.</summary>
internal sealed record Told(int SequenceId, string Status, long Amount);

/// <summary>What was read, and up to where.</summary>
internal sealed class Model
{
    public Dictionary<string, Told> Payouts { get; init; } = [];

    public Dictionary<int, long> Offsets { get; init; } = [];

    public static Model Load(string path) =>
        File.Exists(path) ? JsonSerializer.Deserialize<Model>(File.ReadAllText(path))! : new Model();

    public void Apply(Event told)
    {
        // At least once, in order for each payout: what is not newer has been seen.
        if (Payouts.TryGetValue(told.PayoutId, out var known) && told.SequenceId <= known.SequenceId)
            return;
        var payout = told.Payout!;
        Payouts[told.PayoutId] = new Told(told.SequenceId, payout.Status!.GetType().Name, payout.Amount);
    }

    public void Save(string path)
    {
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(this));
        File.Move(path + ".new", path, overwrite: true);
    }
}
