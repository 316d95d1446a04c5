using PayoutManager.Thrift.Payouts;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Crashes;

/// <summary>
/// A host dies of SIGKILL at each step of each call; the caller repeats the same call to another host, which gives the
/// final answer.
/// </summary>
public sealed class CallStepTests(StepHosts hosts) : IClassFixture<StepHosts>, IAsyncLifetime
{
    private static readonly PayoutStatus Unpaid = new PayoutStatus.unpaid(new PayoutUnpaid());
    private static readonly PayoutStatus Confirmed = new PayoutStatus.confirmed(new PayoutConfirmed());
    private static readonly PayoutStatus Cancelled = new PayoutStatus.cancelled(new PayoutCancelled("why"));

    private readonly string _id = hosts.NewId();
    private HostProcess _survivor = null!;

    public async Task InitializeAsync() => _survivor = await hosts.SurvivorAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData("FindParty")]
    [InlineData("ComputeCashFlow")]
    [InlineData("Intend")]
    [InlineData("Hold")]
    [InlineData("GetMinAvailableAmount")]
    [InlineData("Apply")]
    public async Task A_create_is_finished_by_its_repeat(string step)
    {
        var create = RunningHost.CreateArgs(_id, 10_000);
        await hosts.DieAsync(step, "CreatePayout", create);

        var repeated = await hosts.InsistAsync<Calls.CreatePayout_result>(_survivor, "CreatePayout", create);

        // Applied, though its caller was not told: the repeat says that it is there.
        Assert.True(step == "Apply" ? repeated.Ex3 is not null : repeated.Success is not null);
        await hosts.CheckAsync(_survivor, _id, Unpaid);
    }

    [Theory]
    [InlineData("Renew")]
    [InlineData("Release")]
    public async Task A_create_whose_answers_were_lost_is_finished_by_its_repeat(string step)
    {
        var create = RunningHost.CreateArgs(_id, 10_000);
        await hosts.DieInSilenceAsync(step, "CreatePayout", create);

        Assert.NotNull((await hosts.InsistAsync<Calls.CreatePayout_result>(_survivor, "CreatePayout", create)).Success);
        await hosts.CheckAsync(_survivor, _id, Unpaid);
    }

    [Theory]
    [InlineData("Rollback")]
    [InlineData("Abandon")]
    public async Task A_create_without_money_is_refused_by_its_repeat(string step)
    {
        var create = RunningHost.CreateArgs(_id, 100_000_000);
        await hosts.DieAsync(step, "CreatePayout", create);

        Assert.NotNull((await hosts.InsistAsync<Calls.CreatePayout_result>(_survivor, "CreatePayout", create)).Ex1);
        await hosts.CheckAsync(_survivor, _id, status: null);
    }

    [Theory]
    [InlineData("Intend")]
    [InlineData("Commit")]
    [InlineData("Apply")]
    public async Task A_confirm_is_finished_by_its_repeat(string step)
    {
        await hosts.CreateAsync(_survivor, _id);
        await hosts.DieAsync(step, "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = _id });

        await hosts.ConfirmAsync(_survivor, _id);

        await hosts.CheckAsync(_survivor, _id, Confirmed);
    }

    [Theory]
    [InlineData("Intend")]
    [InlineData("Rollback")]
    [InlineData("Apply")]
    public async Task A_cancel_is_finished_by_its_repeat(string step)
    {
        await hosts.CreateAsync(_survivor, _id);
        await hosts.DieAsync(step, "CancelPayout", new Calls.CancelPayout_args { PayoutId = _id, Details = "why" });

        await hosts.CancelAsync(_survivor, _id);

        await hosts.CheckAsync(_survivor, _id, Cancelled);
    }

    [Theory]
    [InlineData("Intend")]
    [InlineData("Hold")]
    [InlineData("Commit")]
    [InlineData("Apply")]
    public async Task A_cancel_of_a_confirmed_payout_is_finished_by_its_repeat(string step)
    {
        await hosts.CreateAsync(_survivor, _id);
        await hosts.ConfirmAsync(_survivor, _id);
        await hosts.DieAsync(step, "CancelPayout", new Calls.CancelPayout_args { PayoutId = _id, Details = "why" });

        await hosts.CancelAsync(_survivor, _id);

        await hosts.CheckAsync(_survivor, _id, Cancelled);
    }
}
