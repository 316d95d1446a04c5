using System.Diagnostics;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;
using PayoutManager.Woody.Server;
using Thrift;
using Thrift.Protocol;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Sandbox.Ledger;

/// <summary>The accounter on the wire, in the form that it has at the time of each call.</summary>
internal static class AccounterService
{
    public const string Path = "/shumpune";

    /// <summary>
    /// What the deployed accounter answers to every refusal: it throws the exceptions of another service, which this contract
    /// does not declare.
    /// </summary>
    private static readonly WoodyError UndeclaredRefusal = WoodyError.BadRequest("internal thrift application error");

    /// <summary>What the deployed accounter answers instead of a plan: its reply lacks the plan's id, which is required.</summary>
    private static readonly WoodyError UnwritablePlan = WoodyError.BadRequest("thrift protocol error");

    public static WoodyService Create(Accounter accounter) => new WoodyService()
        .Method<Calls.Hold_args>("Hold", (args, _) => Answer(
            accounter,
            form => new Calls.Hold_result { Success = ClockOf(form, accounter.Hold(args.PlanChange!)) },
            refusal => refusal switch
            {
                InvalidPostingParams e1 => new Calls.Hold_result { E1 = e1 },
                InvalidRequest e2 => new Calls.Hold_result { E2 = e2 },
                _ => throw new UnreachableException(),
            }))
        .Method<Calls.CommitPlan_args>("CommitPlan", (args, _) => Answer(
            accounter,
            form => new Calls.CommitPlan_result { Success = ClockOf(form, accounter.Commit(args.Plan!)) },
            refusal => refusal switch
            {
                InvalidPostingParams e1 => new Calls.CommitPlan_result { E1 = e1 },
                InvalidRequest e2 => new Calls.CommitPlan_result { E2 = e2 },
                _ => throw new UnreachableException(),
            }))
        .Method<Calls.RollbackPlan_args>("RollbackPlan", (args, _) => Answer(
            accounter,
            form => new Calls.RollbackPlan_result { Success = ClockOf(form, accounter.Rollback(args.Plan!)) },
            refusal => refusal switch
            {
                InvalidPostingParams e1 => new Calls.RollbackPlan_result { E1 = e1 },
                InvalidRequest e2 => new Calls.RollbackPlan_result { E2 = e2 },
                _ => throw new UnreachableException(),
            }))
        .Method<Calls.GetPlan_args>("GetPlan", (args, _) => Answer(
            accounter,
            form =>
            {
                var plan = accounter.GetPlan(args.Id!);
                return form == LedgerForm.Declared
                    ? new Calls.GetPlan_result { Success = plan }
                    : throw new WoodyErrorException(UnwritablePlan);
            },
            refusal => new Calls.GetPlan_result { E1 = (PlanNotFound)refusal }))
        .Method<Calls.GetAccountByID_args>("GetAccountByID", (args, _) => Answer(
            accounter,
            _ => new Calls.GetAccountByID_result { Success = accounter.GetAccount(args.Id) },
            refusal => new Calls.GetAccountByID_result { E1 = (AccountNotFound)refusal }))
        .Method<Calls.GetBalanceByID_args>("GetBalanceByID", (args, _) => Answer(
            accounter,
            form =>
            {
                // The deployed accounter ignores the clock that it is given.
                var balance = accounter.GetBalance(args.Id, form == LedgerForm.Declared ? args.Clock : null);
                balance.Clock = ClockOf(form, balance.Clock!);
                return new Calls.GetBalanceByID_result { Success = balance };
            },
            refusal => refusal switch
            {
                AccountNotFound e1 => new Calls.GetBalanceByID_result { E1 = e1 },
                ClockInFuture e2 => new Calls.GetBalanceByID_result { E2 = e2 },
                _ => throw new UnreachableException(),
            }));

    private static Task<WoodyReply> Answer(
        Accounter accounter,
        Func<LedgerForm, TBase> serve,
        Func<TException, TBase> declare)
    {
        var form = accounter.Form;
        try
        {
            return Task.FromResult(new WoodyReply(serve(form)));
        }
        catch (LedgerRefusalException e)
        {
            return form == LedgerForm.Declared
                ? Task.FromResult(new WoodyReply(declare(e.Declared), e.Declared.GetType().Name))
                : throw new WoodyErrorException(UndeclaredRefusal, e);
        }
        catch (LedgerFailureException e)
        {
            throw new WoodyErrorException(WoodyError.Unexpected(e.Message), e);
        }
    }

    private static Clock ClockOf(LedgerForm form, Clock clock) =>
        form == LedgerForm.Declared ? clock : new Clock.latest(new LatestClock());
}
