using PayoutManager.Sandbox.Ledger;
using static PayoutManager.Sandbox.Tests.Ledger.LedgerPeer;

namespace PayoutManager.Sandbox.Tests.Ledger;

/// <summary>
/// Calls that break a rule, in both forms. The declared form tells refusals apart, which shows the order of the checks; the
/// deployed one answers all of them alike.
/// </summary>
public sealed class RefusalTests
{
    private const string Invalid = "InvalidRequest";
    private const string Postings = "InvalidPostingParams";

    /// <param name="Declared">The declared exception; null where only the deployed ledger fails.</param>
    /// <param name="Text">What it says.</param>
    /// <param name="Call">The call; before it, "held" holds batch 2 with 300 from A to B, "committed" is committed, too.</param>
    /// <param name="Deployed">The deployed form's status.</param>
    private sealed record Row(string? Declared, string Text, Func<LedgerPeer, Task<LedgerAnswer>> Call, int Deployed = 400);

    private static readonly string Id65 = new('p', 65);

    private static readonly Dictionary<string, Row> Rows = new()
    {
        // Batches.
        ["hold: empty batch"] = new(Invalid, "Batch 1 has no postings", l => l.HoldAsync("p", 1)),
        ["commit: no batch"] = new(Invalid, "Plan held has no batches", l => l.CommitAsync("held")),
        ["rollback: no batch"] = new(Invalid, "Plan held has no batches", l => l.RollbackAsync("held")),
        ["commit: empty batch"] = new(Invalid, "Batch 2 has no postings", l => l.CommitAsync("held", Batch(2))),
        ["rollback: empty batch"] = new(Invalid, "Batch 2 has no postings", l => l.RollbackAsync("held", Batch(2))),
        ["commit: batch twice"] = new(
            Invalid, "Batch 2 occurs more than once",
            l => l.CommitAsync("held", Batch(2, Post(A, B, 300)), Batch(2, Post(A, B, 300)))),
        ["hold: lowest batch id"] = new(
            Invalid, "Plan p has a batch with the lowest or the highest 64-bit id", l => l.HoldAsync("p", long.MinValue, Post(A, B, 1))),
        ["hold: highest batch id"] = new(
            Invalid, "Plan p has a batch with the lowest or the highest 64-bit id", l => l.HoldAsync("p", long.MaxValue, Post(A, B, 1))),

        // Postings by themselves.
        ["hold: to the same account"] = new(
            Postings, "1001>1001 1 RUB d: Source and target account are the same", l => l.HoldAsync("p", 1, Post(A, A, 1))),
        ["hold: negative amount"] = new(
            Postings, "1001>1002 -1 RUB d: Amount cannot be negative", l => l.HoldAsync("p", 1, Post(A, B, -1))),
        ["commit: to the same account"] = new(
            Postings, "1001>1001 300 RUB d: Source and target account are the same", l => l.CommitAsync("held", Batch(2, Post(A, A, 300)))),
        ["rollback: negative amount"] = new(
            Postings, "1001>1002 -300 RUB d: Amount cannot be negative", l => l.RollbackAsync("held", Batch(2, Post(A, B, -300)))),
        ["hold: every wrong posting is named, by its first fault"] = new(
            Postings,
            "1001>1001 -1 RUB d: Source and target account are the same; 1002>1001 -1 RUB d: Amount cannot be negative",
            l => l.HoldAsync("p", 1, Post(A, A, -1), Post(A, B, 1), Post(B, A, -1))),

        // Equality with the held postings.
        ["hold: same batch, other amount"] = new(
            Postings,
            "1001>1002 300 RUB d: Held posting not found in batch 2; 1001>1002 301 RUB d: Posting was not held in batch 2",
            l => l.HoldAsync("held", 2, Post(A, B, 301))),
        ["hold: same batch, one posting more"] = new(
            Postings, "1001>1003 1 RUB d: Posting was not held in batch 2", l => l.HoldAsync("held", 2, Post(A, B, 300), Post(A, C, 1))),
        ["hold: new batch with a lower id"] = new(
            Postings, "1001>1002 1 RUB d: Batch 1 comes after batch 2, which was held", l => l.HoldAsync("held", 1, Post(A, B, 1))),
        ["commit: other amount"] = new(
            Postings,
            "1001>1002 300 RUB d: Held posting not found in batch 2; 1001>1002 301 RUB d: Posting was not held in batch 2",
            l => l.CommitAsync("held", Batch(2, Post(A, B, 301)))),
        ["commit: other description"] = new(
            Postings,
            "1001>1002 300 RUB d: Held posting not found in batch 2; 1001>1002 300 RUB e: Posting was not held in batch 2",
            l => l.CommitAsync("held", Batch(2, Post(A, B, 300, description: "e")))),
        ["commit: other currency"] = new(
            Postings,
            "1001>1002 300 RUB d: Held posting not found in batch 2; 1001>1002 300 USD d: Posting was not held in batch 2",
            l => l.CommitAsync("held", Batch(2, Post(A, B, 300, "USD")))),
        ["rollback: other accounts"] = new(
            Postings,
            "1001>1002 300 RUB d: Held posting not found in batch 2; 1002>1001 300 RUB d: Posting was not held in batch 2",
            l => l.RollbackAsync("held", Batch(2, Post(B, A, 300)))),
        ["rollback: one posting less"] = new(
            Postings,
            "1001>1003 5 RUB d: Held posting not found in batch 1",
            l => l.RollbackAsync("two batches", Batch(1, Post(A, B, 5)), Batch(2, Post(A, B, 6)))),
        ["commit: fewer batches than held"] = new(
            Postings, "1001>1002 6 RUB d: Held batch 2 not found", l => l.CommitAsync("two batches", Batch(1, Post(A, B, 5), Post(A, C, 5)))),
        ["rollback: fewer batches than held"] = new(
            Postings,
            "1001>1002 5 RUB d: Held batch 1 not found; 1001>1003 5 RUB d: Held batch 1 not found",
            l => l.RollbackAsync("two batches", Batch(2, Post(A, B, 6)))),
        ["commit: more batches than held"] = new(
            Postings, "1001>1002 1 RUB d: Batch 3 was not held", l => l.CommitAsync("held", Batch(2, Post(A, B, 300)), Batch(3, Post(A, B, 1)))),
        ["repeated commit: other postings"] = new(
            Postings,
            "1001>1002 300 RUB d: Held posting not found in batch 2; 1001>1002 301 RUB d: Posting was not held in batch 2",
            l => l.CommitAsync("committed", Batch(2, Post(A, B, 301)))),

        // Accounts and currencies.
        ["hold: unknown source"] = new(
            Postings, "9>1002 1 RUB d: Source account not found", l => l.HoldAsync("p", 1, Post(9, B, 1))),
        ["hold: unknown target"] = new(
            Postings, "1001>9 1 RUB d: Target account not found", l => l.HoldAsync("p", 1, Post(A, 9, 1))),
        ["hold: other currency than the source's"] = new(
            Postings, "1004>1002 1 RUB d: Currency mismatch", l => l.HoldAsync("p", 1, Post(Dollars, B, 1))),
        ["hold: other currency than the target's"] = new(
            Postings, "1001>1004 1 RUB d: Currency mismatch", l => l.HoldAsync("p", 1, Post(A, Dollars, 1))),
        ["hold: other currency than both"] = new(
            Postings, "1001>1002 1 USD d: Currency mismatch", l => l.HoldAsync("p", 1, Post(A, B, 1, "USD"))),

        // What the deployed ledger's database fails at.
        ["hold: plan id of 65 characters"] = new(null, "", l => l.HoldAsync(Id65, 1, Post(A, B, 1)), 500),
        ["hold: plan id of 65 characters outside the basic plane"] = new(
            null, "", l => l.HoldAsync(string.Concat(Enumerable.Repeat("💰", 65)), 1, Post(A, B, 1)), 500),
        ["hold: currency of 5 characters"] = new(null, "", l => l.HoldAsync("p", 1, Post(LongA, LongB, 1, LongCurrency)), 500),
        ["commit: plan id of 65 characters"] = new(
            Invalid, $"Plan {Id65} is unknown", l => l.CommitAsync(Id65, Batch(1, Post(A, B, 1)))),
        ["rollback: plan id of 65 characters"] = new(
            Invalid, $"Plan {Id65} is unknown", l => l.RollbackAsync(Id65, Batch(1, Post(A, B, 1)))),

        // The order of the checks: two faults at once, of which the first is answered.
        ["order: batches before postings"] = new(
            Invalid, "Batch 3 has no postings", l => l.CommitAsync("held", Batch(2, Post(A, A, -1)), Batch(3))),
        ["order: batches before state"] = new(Invalid, "Plan unknown has no batches", l => l.CommitAsync("unknown")),
        ["order: postings before state, hold"] = new(
            Postings, "1001>1002 -1 RUB d: Amount cannot be negative", l => l.HoldAsync("committed", 2, Post(A, B, -1))),
        ["order: postings before state, unknown plan"] = new(
            Postings, "1001>1002 -1 RUB d: Amount cannot be negative", l => l.CommitAsync("unknown", Batch(1, Post(A, B, -1)))),
        ["order: state before equality, hold"] = new(
            Invalid, "Plan committed is Committed and cannot be held", l => l.HoldAsync("committed", 2, Post(A, B, 301))),
        ["order: state before equality, rollback"] = new(
            Invalid, "Plan committed is Committed and cannot become RolledBack",
            l => l.RollbackAsync("committed", Batch(2, Post(A, B, 301)))),
        ["order: state before accounts"] = new(
            Invalid, "Plan committed is Committed and cannot be held", l => l.HoldAsync("committed", 3, Post(9, B, 1))),
        ["order: equality before accounts"] = new(
            Postings,
            "1001>1002 300 RUB d: Held posting not found in batch 2; 9>1002 300 RUB d: Posting was not held in batch 2",
            l => l.HoldAsync("held", 2, Post(9, B, 300))),
        ["order: batch ids before accounts"] = new(
            Postings, "9>1002 1 RUB d: Batch 1 comes after batch 2, which was held", l => l.HoldAsync("held", 1, Post(9, B, 1))),
        ["order: batches before the plan id's length"] = new(Invalid, "Batch 1 has no postings", l => l.HoldAsync(Id65, 1)),
        ["order: postings before the plan id's length"] = new(
            Postings, "1001>1002 -1 RUB d: Amount cannot be negative", l => l.HoldAsync(Id65, 1, Post(A, B, -1))),
        ["order: the plan id's length before accounts"] = new(
            Postings, "9>1002 1 RUB d: Source account not found", l => l.HoldAsync(Id65, 1, Post(9, B, 1)), 500),
        ["order: accounts before the currency's length"] = new(
            Postings, "9>1006 1 RUBLE d: Source account not found", l => l.HoldAsync("p", 1, Post(9, LongB, 1, LongCurrency))),
    };

    public static TheoryData<LedgerForm, string> All
    {
        get
        {
            var all = new TheoryData<LedgerForm, string>();
            foreach (var form in Enum.GetValues<LedgerForm>())
            {
                foreach (var name in Rows.Keys)
                    all.Add(form, name);
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_call_that_breaks_a_rule_is_refused_without_effect(LedgerForm form, string name)
    {
        var row = Rows[name];
        await using var ledger = await StartAsync(form);
        Assert.Equal(200, (await ledger.HoldAsync("held", 2, Post(A, B, 300))).Status);
        Assert.Equal(200, (await ledger.HoldAsync("committed", 2, Post(A, B, 300))).Status);
        Assert.Equal(200, (await ledger.CommitAsync("committed", Batch(2, Post(A, B, 300)))).Status);
        Assert.Equal(200, (await ledger.HoldAsync("two batches", 1, Post(A, B, 5), Post(A, C, 5))).Status);
        Assert.Equal(200, (await ledger.HoldAsync("two batches", 2, Post(A, B, 6))).Status);
        var before = ledger.State;

        var answer = await row.Call(ledger);

        if (form == LedgerForm.Declared && row.Declared is null)
        {
            Assert.Null(answer.ErrorClass);
            Assert.NotEqual(before, ledger.State);
            return;
        }

        Assert.Equal(
            (form, row.Deployed) switch
            {
                (LedgerForm.Declared, _) => LedgerAnswer.Declared(row.Declared!, row.Text),
                (_, 400) => LedgerAnswer.Refused,
                // The reason of a 500 is not part of the contract.
                _ => new LedgerAnswer(500, "Result Unexpected", answer.Reason, ""),
            },
            answer);
        Assert.Equal(before, ledger.State);
    }

    [Theory]
    [InlineData(LedgerForm.Deployed, 64, "p")]
    [InlineData(LedgerForm.Deployed, 64, "💰")]
    [InlineData(LedgerForm.Declared, 65, "p")]
    [InlineData(LedgerForm.Declared, 256, "💰")]
    public async Task A_plan_id_that_fits_goes_all_the_way(LedgerForm form, int length, string character)
    {
        await using var ledger = await StartAsync(form);
        var id = string.Concat(Enumerable.Repeat(character, length));

        Assert.Equal(200, (await ledger.HoldAsync(id, 1, Post(A, B, 1))).Status);
        Assert.Equal(200, (await ledger.CommitAsync(id, Batch(1, Post(A, B, 1)))).Status);

        Assert.Equal([(id, PlanState.Committed)], ledger.Sandbox.Accounter.ListPlans().Select(p => (p.Id, p.State)));
    }

    [Theory]
    [InlineData(LedgerForm.Deployed, WideA, WideB, WideCurrency)]
    [InlineData(LedgerForm.Declared, WideA, WideB, WideCurrency)]
    [InlineData(LedgerForm.Declared, LongA, LongB, LongCurrency)]
    public async Task A_currency_that_fits_is_held(LedgerForm form, long from, long to, string currency)
    {
        await using var ledger = await StartAsync(form);

        Assert.Null((await ledger.HoldAsync("p", 1, Post(from, to, 5, currency))).ErrorClass);

        Assert.Equal((0, -5, 0), ledger.Balance(from));
    }
}
