using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;
using PayoutManager.Woody.Server;
using Thrift.Protocol;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Sandbox.Ledger;

/// <summary>The accounter on the wire.</summary>
internal static class AccounterService
{
    public const string Path = "/shumpune";

    public static WoodyService Create(Accounter accounter) => new WoodyService()
        .Method<Calls.Hold_args>("Hold", (args, _) => Change(
            () => accounter.Hold(args.PlanChange!),
            clock => new Calls.Hold_result { Success = clock },
            e1 => new Calls.Hold_result { E1 = e1 },
            e2 => new Calls.Hold_result { E2 = e2 }))
        .Method<Calls.CommitPlan_args>("CommitPlan", (args, _) => Change(
            () => accounter.Commit(args.Plan!),
            clock => new Calls.CommitPlan_result { Success = clock },
            e1 => new Calls.CommitPlan_result { E1 = e1 },
            e2 => new Calls.CommitPlan_result { E2 = e2 }))
        .Method<Calls.RollbackPlan_args>("RollbackPlan", (args, _) => Change(
            () => accounter.Rollback(args.Plan!),
            clock => new Calls.RollbackPlan_result { Success = clock },
            e1 => new Calls.RollbackPlan_result { E1 = e1 },
            e2 => new Calls.RollbackPlan_result { E2 = e2 }))
        .Method<Calls.GetPlan_args>("GetPlan", (args, _) => Reply(() =>
        {
            try
            {
                return new(new Calls.GetPlan_result { Success = accounter.GetPlan(args.Id!) });
            }
            catch (PlanNotFound e)
            {
                return new(new Calls.GetPlan_result { E1 = e }, nameof(PlanNotFound));
            }
        }))
        .Method<Calls.GetAccountByID_args>("GetAccountByID", (args, _) => Reply(() =>
        {
            try
            {
                return new(new Calls.GetAccountByID_result { Success = accounter.GetAccount(args.Id) });
            }
            catch (AccountNotFound e)
            {
                return new(new Calls.GetAccountByID_result { E1 = e }, nameof(AccountNotFound));
            }
        }))
        .Method<Calls.GetBalanceByID_args>("GetBalanceByID", (args, _) => Reply(() =>
        {
            try
            {
                return new(new Calls.GetBalanceByID_result { Success = accounter.GetBalance(args.Id, args.Clock) });
            }
            catch (AccountNotFound e)
            {
                return new(new Calls.GetBalanceByID_result { E1 = e }, nameof(AccountNotFound));
            }
            catch (ClockInFuture e)
            {
                return new(new Calls.GetBalanceByID_result { E2 = e }, nameof(ClockInFuture));
            }
        }));

    private static Task<WoodyReply> Change(
        Func<Clock> change,
        Func<Clock, TBase> success,
        Func<InvalidPostingParams, TBase> wrongPostings,
        Func<InvalidRequest, TBase> refusal) => Reply(() =>
    {
        try
        {
            return new(success(change()));
        }
        catch (InvalidPostingParams e)
        {
            return new(wrongPostings(e), nameof(InvalidPostingParams));
        }
        catch (InvalidRequest e)
        {
            return new(refusal(e), nameof(InvalidRequest));
        }
    });

    private static Task<WoodyReply> Reply(Func<WoodyReply> answer) => Task.FromResult(answer());
}
