using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;
using Thrift.Protocol;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Crashes;

/// <summary>
/// A caller's life: one payout after another is created, some are confirmed, some are cancelled. Each call is repeated
/// until it is answered, and what was told is remembered.
/// </summary>
/// <param name="number">Which caller it is; it has a shop of its own.</param>
/// <param name="aim">Chooses a host.</param>
/// <param name="pause">How long it rests after each payout.</param>
internal sealed class StormCaller(int number, Func<Random, StormCaller.Target> aim, TimeSpan pause = default)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly Random _random = new(number);

    /// <summary>What each payout must be, by what was told of it.</summary>
    public Dictionary<string, PayoutStatus> Told { get; } = [];

    /// <summary>Payouts that were refused for good, for want of money.</summary>
    public List<string> Refused { get; } = [];

    public int Calls { get; private set; }

    private const string Shop = "shop-load-1";

    private string Party => $"party-load-{number + 1}";

    public async Task LiveAsync(CancellationToken end)
    {
        for (var n = 0; !end.IsCancellationRequested; n++)
        {
            var id = $"storm-{number}-{n}";
            if (_random.Next(10) == 0)
                await AskTooMuchAsync(id);
            else
                await PayOutAsync(id);
            await Task.Delay(pause, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Makes a call to some host.</summary>
    public Task<TResult> CallAsync<TResult>(string method, TBase args)
        where TResult : TBase, new()
    {
        var (http, url) = aim(_random);
        Calls++;
        WoodyContext.Current = WoodyContext.NewRoot() with { Deadline = TimeProvider.System.GetUtcNow() + Patience };
        return new WoodyClient(http, url, Patience * 2, TimeProvider.System).CallAsync<TResult>(method, args, CancellationToken.None);
    }

    /// <summary>Repeats a call until it is answered: whatever was lost, the same call gives the final answer in the end.</summary>
    public async Task<TResult> InsistAsync<TResult>(string method, TBase args)
        where TResult : TBase, new()
    {
        for (var attempt = 0; attempt < 500; attempt++)
        {
            try
            {
                return await CallAsync<TResult>(method, args);
            }
            catch (WoodyCallException e) when (e.Outcome is WoodyOutcome.NotDone or WoodyOutcome.Unknown || e.HttpStatus == 502)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(50, 300)), TimeProvider.System);
            }
        }

        throw new TimeoutException($"{method} is never answered.");
    }

    private async Task PayOutAsync(string id)
    {
        var created = await InsistAsync<Calls.CreatePayout_result>(
            "CreatePayout", RunningHost.CreateArgs(id, 10_000, Shop, Party));
        Assert.True(created is { Success: not null } or { Ex3: not null }, $"{id} was refused");
        Told[id] = new PayoutStatus.unpaid(new PayoutUnpaid());

        if (_random.Next(3) > 0)
        {
            Assert.Null((await InsistAsync<Calls.ConfirmPayout_result>(
                "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = id })).Ex1);
            Told[id] = new PayoutStatus.confirmed(new PayoutConfirmed());
        }

        if (_random.Next(3) == 0)
        {
            Assert.Null((await InsistAsync<Calls.CancelPayout_result>(
                "CancelPayout", new Calls.CancelPayout_args { PayoutId = id, Details = "storm" })).Ex1);
            Told[id] = new PayoutStatus.cancelled(new PayoutCancelled("storm"));
        }

        if (_random.Next(3) == 0)
            Assert.Equal(Told[id], await GetStatusAsync(id));
    }

    /// <summary>A payout of more than there is.</summary>
    private async Task AskTooMuchAsync(string id)
    {
        var args = RunningHost.CreateArgs(id, 2_000_000_000_000_000, Shop, Party);
        Assert.NotNull((await InsistAsync<Calls.CreatePayout_result>("CreatePayout", args)).Ex1);
        Refused.Add(id);
    }

    /// <summary>What a payout is now; null if there is none.</summary>
    public async Task<PayoutStatus?> GetStatusAsync(string id) =>
        (await InsistAsync<Calls.GetPayout_result>("GetPayout", new Calls.GetPayout_args { PayoutId = id })).Success?.Status;

    /// <summary>A host to call.</summary>
    internal sealed record Target(HttpClient Http, Uri Url);
}
