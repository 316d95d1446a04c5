using PayoutManager.Sandbox.Ledger;
using static PayoutManager.Sandbox.Tests.Ledger.LedgerPeer;

namespace PayoutManager.Sandbox.Tests.Ledger;

/// <summary>Every call in every state of a plan, in both forms.</summary>
public sealed class PlanStateTests
{
    /// <param name="State">The plan's state before; null if it is unknown.</param>
    /// <param name="Call">What is called, with the same postings.</param>
    /// <param name="After">The plan's state afterwards.</param>
    /// <param name="Declared">The declared exception; null for success.</param>
    private sealed record Row(PlanState? State, string Call, PlanState? After, string? Declared);

    private static readonly Row[] Rows =
    [
        new(null, "hold", PlanState.Held, null),
        new(null, "commit", null, "Plan p is unknown"),
        new(null, "rollback", null, "Plan p is unknown"),
        new(PlanState.Held, "hold", PlanState.Held, null),
        new(PlanState.Held, "commit", PlanState.Committed, null),
        new(PlanState.Held, "rollback", PlanState.RolledBack, null),
        new(PlanState.Committed, "hold", PlanState.Committed, "Plan p is Committed and cannot be held"),
        new(PlanState.Committed, "commit", PlanState.Committed, null),
        new(PlanState.Committed, "rollback", PlanState.Committed, "Plan p is Committed and cannot become RolledBack"),
        new(PlanState.RolledBack, "hold", PlanState.RolledBack, "Plan p is RolledBack and cannot be held"),
        new(PlanState.RolledBack, "commit", PlanState.RolledBack, "Plan p is RolledBack and cannot become Committed"),
        new(PlanState.RolledBack, "rollback", PlanState.RolledBack, null),
    ];

    public static TheoryData<LedgerForm, int> All
    {
        get
        {
            var all = new TheoryData<LedgerForm, int>();
            foreach (var form in Enum.GetValues<LedgerForm>())
            {
                for (var row = 0; row < Rows.Length; row++)
                    all.Add(form, row);
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_call_in_a_state(LedgerForm form, int row)
    {
        var (state, call, after, declared) = Rows[row];
        await using var ledger = await StartAsync(form);
        if (state is not null)
            await CallAsync(ledger, "hold");
        if (state is PlanState.Committed)
            await CallAsync(ledger, "commit");
        if (state is PlanState.RolledBack)
            await CallAsync(ledger, "rollback");
        var before = ledger.State;
        var clock = await ClockAsync(ledger);

        var answer = await CallAsync(ledger, call);

        Assert.Equal(after, ledger.Sandbox.Accounter.ListPlans().SingleOrDefault()?.State);
        Assert.Equal(
            (declared, form) switch
            {
                (null, LedgerForm.Deployed) => LedgerAnswer.Latest,
                (null, _) => LedgerAnswer.Vector(state == after ? clock : clock + 1),
                (_, LedgerForm.Deployed) => LedgerAnswer.Refused,
                _ => LedgerAnswer.Declared("InvalidRequest", declared),
            },
            answer);
        // A call that leaves the state as it is changes nothing at all: a repeat, or a refusal.
        Assert.Equal(state == after, before == ledger.State);
        Assert.Equal(
            after switch
            {
                PlanState.Held => ((0, -300, 0), (0, 0, 300)),
                PlanState.Committed => ((-300, -300, -300), (300, 300, 300)),
                _ => ((0, 0, 0), (0L, 0L, 0L)),
            },
            (ledger.Balance(A), ledger.Balance(B)));
        Assert.Equal(answer, await CallAsync(ledger, call));
    }

    private static Task<LedgerAnswer> CallAsync(LedgerPeer ledger, string call) => call switch
    {
        "hold" => ledger.HoldAsync("p", 1, Post(A, B, 300)),
        "commit" => ledger.CommitAsync("p", Batch(1, Post(A, B, 300))),
        _ => ledger.RollbackAsync("p", Batch(1, Post(A, B, 300))),
    };

    private static async Task<long> ClockAsync(LedgerPeer ledger) => ledger.Form == LedgerForm.Deployed
        ? 0
        : long.Parse((await ledger.GetBalanceAsync(A)).Result.Split("vector ")[1], System.Globalization.CultureInfo.InvariantCulture);
}
