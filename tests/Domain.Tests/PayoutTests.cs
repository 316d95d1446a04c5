using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;
using static PayoutManager.Domain.Tests.Builders;

namespace PayoutManager.Domain.Tests;

public class PayoutTests
{
    [Fact]
    public void A_new_payout_is_unpaid_with_amount_and_fee_of_its_cash_flow()
    {
        var payout = Unpaid();

        Assert.Equal(PayoutStatus.Unpaid, payout.Status);
        Assert.Equal(0, payout.SequenceId);
        Assert.Equal(1, payout.HoldAttempt);
        Assert.Equal(new Cash(97_500, Rub), payout.Amount);
        Assert.Equal(new Cash(2_800, Rub), payout.Fee);
        Assert.Equal(Created, payout.CreatedAt);
    }

    [Fact]
    public void Creation_keeps_whole_microseconds()
    {
        var payout = Payout.Create(
            new PayoutId("p"), Created.AddTicks(1_239), new PartyId("a"), new ShopId("s"), new PayoutToolId("t"), Rub, TypicalCashFlow);

        Assert.Equal(Created.AddTicks(1_230), payout.CreatedAt);
    }

    [Fact]
    public void A_payout_of_nothing_cannot_be_created() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Payout.Create(
            new PayoutId("p"), Created, new PartyId("a"), new ShopId("s"), new PayoutToolId("t"), Rub, new CashFlow([])));

    /// <summary>Every state × every verb: the state afterwards, or null where it is refused.</summary>
    [Theory]
    [InlineData(PayoutState.Unpaid, "confirm", PayoutState.Confirmed, true)]
    [InlineData(PayoutState.Unpaid, "cancel", PayoutState.Cancelled, true)]
    [InlineData(PayoutState.Paid, "confirm", PayoutState.Confirmed, true)]
    [InlineData(PayoutState.Paid, "cancel", PayoutState.Cancelled, true)]
    [InlineData(PayoutState.Confirmed, "confirm", PayoutState.Confirmed, false)]
    [InlineData(PayoutState.Confirmed, "cancel", PayoutState.Cancelled, true)]
    [InlineData(PayoutState.Cancelled, "confirm", null, false)]
    [InlineData(PayoutState.Cancelled, "cancel", PayoutState.Cancelled, false)]
    [InlineData(PayoutState.Failed, "confirm", null, false)]
    [InlineData(PayoutState.Failed, "cancel", null, false)]
    public void The_lifecycle_is_this_table(PayoutState before, string verb, PayoutState? after, bool changes)
    {
        var payout = In(before);
        Payout Act() => verb == "confirm" ? payout.Confirm() : payout.Cancel("second");

        if (after is null)
        {
            var e = Assert.Throws<InvalidPayoutStateException>(Act);
            Assert.Equal($"Cannot {verb} payout payout-7: it is {before.ToString().ToLowerInvariant()}.", e.Message);
            return;
        }

        var changed = Act();
        Assert.Equal(after, changed.Status.State);
        Assert.Equal(changes ? payout.SequenceId + 1 : payout.SequenceId, changed.SequenceId);
        Assert.Equal(!changes, ReferenceEquals(payout, changed));
    }

    [Fact]
    public void The_first_details_of_a_cancellation_stay()
    {
        var cancelled = Unpaid().Cancel("first");

        Assert.Equal(PayoutStatus.Cancelled("first"), cancelled.Status);
        Assert.Equal(PayoutStatus.Cancelled("first"), cancelled.Cancel("second").Status);
    }

    [Fact]
    public void Details_are_at_most_4096_storable_characters()
    {
        Assert.Equal(4096, Unpaid().Cancel(new string('x', 4096)).Status.Details!.Length);
        Assert.Equal("a\nb", Unpaid().Cancel("a\nb").Status.Details);
        Assert.Equal("", Unpaid().Cancel("").Status.Details);
        Assert.Throws<ArgumentException>(() => Unpaid().Cancel(new string('x', 4097)));
        Assert.Throws<ArgumentException>(() => Unpaid().Cancel("a\0b"));
        Assert.Equal("must be at most 4096 characters, are 4097", PayoutStatus.DetailsFault(new string('x', 4097)));
    }

    [Fact]
    public void Only_a_payout_that_has_not_moved_can_be_held_anew()
    {
        Assert.Equal(2, Unpaid().HeldBy(2).HoldAttempt);
        Assert.Throws<ArgumentOutOfRangeException>(() => Unpaid().HeldBy(0));
        Assert.Throws<InvalidPayoutStateException>(() => Unpaid().Confirm().HeldBy(2));
    }

    [Fact]
    public void Each_change_has_its_event()
    {
        var at = Created.AddMinutes(1);
        var created = PayoutEvent.OfLatestChange(Unpaid(), at);
        var confirmed = PayoutEvent.OfLatestChange(Unpaid().Confirm(), at);
        var cancelled = PayoutEvent.OfLatestChange(Unpaid().Confirm().Cancel("why"), at);

        Assert.Equal((typeof(PayoutCreated), 0), (created.GetType(), created.SequenceId));
        Assert.Equal((typeof(PayoutStatusChanged), 1), (confirmed.GetType(), confirmed.SequenceId));
        Assert.Equal((typeof(PayoutStatusChanged), 2), (cancelled.GetType(), cancelled.SequenceId));
        Assert.Equal(PayoutStatus.Cancelled("why"), cancelled.Payout.Status);
        Assert.Equal(at, cancelled.CreatedAt);
    }
}
