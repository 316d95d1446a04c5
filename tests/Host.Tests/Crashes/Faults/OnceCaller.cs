using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;
using Thrift.Protocol;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Crashes.Faults;

/// <summary>What a payout may be, by all that its caller was told.</summary>
[Flags]
internal enum Standing
{
    None = 1,
    Unpaid = 2,
    Confirmed = 4,
    Cancelled = 8,
}

/// <summary>
/// A caller that repeats nothing and takes each answer at its word: a success has happened and lasts, a definite error and "not done" have
/// not, and "unknown" may have.
/// </summary>
internal sealed class OnceCaller(int number, Func<Random, StormCaller.Target> aim, TimeSpan pause)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly Random _random = new(number);

    /// <summary>What each payout may be.</summary>
    public Dictionary<string, Standing> Told { get; } = [];

    public static Standing Of(PayoutStatus? status) => status switch
    {
        null => Standing.None,
        PayoutStatus.unpaid => Standing.Unpaid,
        PayoutStatus.confirmed => Standing.Confirmed,
        _ => Standing.Cancelled,
    };

    public async Task LiveAsync(CancellationToken end)
    {
        for (var n = 0; !end.IsCancellationRequested; n++)
        {
            await LiveAsync($"storm-{number}-{n}");
            await Task.Delay(pause, TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task LiveAsync(string id)
    {
        Told[id] = Standing.None;
        var create = RunningHost.CreateArgs(id, 10_000, "shop-load-1", $"party-load-{number + 1}");
        if (!await ChangeAsync<Calls.CreatePayout_result>(id, Standing.Unpaid, "CreatePayout", create, made => made.Success is not null))
            return;
        if (_random.Next(2) == 0)
        {
            var confirm = new Calls.ConfirmPayout_args { PayoutId = id };
            if (!await ChangeAsync<Calls.ConfirmPayout_result>(id, Standing.Confirmed, "ConfirmPayout", confirm, made => made.Ex1 is null))
                return;
        }

        if (_random.Next(2) == 0)
        {
            var cancel = new Calls.CancelPayout_args { PayoutId = id, Details = "once" };
            await ChangeAsync<Calls.CancelPayout_result>(id, Standing.Cancelled, "CancelPayout", cancel, made => made.Ex1 is null);
        }
    }

    /// <returns>Whether it is known to be so.</returns>
    private async Task<bool> ChangeAsync<TResult>(string id, Standing then, string method, TBase args, Func<TResult, bool> isSuccess)
        where TResult : TBase, new()
    {
        var (http, url) = aim(_random);
        WoodyContext.Current = WoodyContext.NewRoot() with { Deadline = TimeProvider.System.GetUtcNow() + Patience };
        try
        {
            var made = await new WoodyClient(http, url, Patience * 2, TimeProvider.System).CallAsync<TResult>(method, args, CancellationToken.None);
            Assert.True(isSuccess(made), $"{method} of {id} was refused");
            Told[id] = then;
            return true;
        }
        catch (WoodyCallException e)
        {
            if (e.Outcome == WoodyOutcome.Unknown)
                Told[id] |= then;
            return false;
        }
    }
}
