using BenchmarkDotNet.Attributes;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Thrift.Serialization;
using Wire = PayoutManager.Thrift.Payouts;

namespace PayoutManager.Bench.Micro;

/// <summary>What it costs to write and read payouts and events.</summary>
[MemoryDiagnoser]
public class SerializationBenchmarks
{
    private readonly Payout _payout = Samples.Payout();
    private readonly byte[] _payoutBytes = ThriftBinary.Serialize(PayoutContract.ToWire(Samples.Payout()));
    private readonly byte[] _eventBytes = ThriftBinary.Serialize(PayoutContract.ToWire(Samples.Event()));
    private readonly PayoutEvent _event = Samples.Event();

    [Benchmark]
    public byte[] WritePayout() => ThriftBinary.Serialize(PayoutContract.ToWire(_payout));

    [Benchmark]
    public Wire.Payout ReadPayout() => ThriftBinary.Deserialize<Wire.Payout>(_payoutBytes);

    [Benchmark]
    public byte[] WriteEvent() => ThriftBinary.Serialize(PayoutContract.ToWire(_event));

    [Benchmark]
    public Wire.Event ReadEvent() => ThriftBinary.Deserialize<Wire.Event>(_eventBytes);
}
