using BenchmarkDotNet.Attributes;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Bench.Micro;

/// <summary>What the domain's rules cost.</summary>
[MemoryDiagnoser]
public class RuleBenchmarks
{
    private readonly Payout _payout = Samples.Payout();

    [Benchmark]
    public (Cash Amount, Cash Fee) Totals() =>
        (_payout.CashFlow.PayoutAmount(Samples.Currency), _payout.CashFlow.Fee(Samples.Currency));

    [Benchmark]
    public LedgerPlan HoldPlan() => _payout.HoldPlan;

    [Benchmark]
    public LedgerPlan RevertPlan() => _payout.RevertPlan(2);

    [Benchmark]
    public Payout Confirm() => _payout.Confirm();
}
