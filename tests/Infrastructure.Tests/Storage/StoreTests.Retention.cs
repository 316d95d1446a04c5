using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>What retention deletes, and what it leaves.</summary>
public abstract partial class StoreTests
{
    private const int MostAttempts = 3;

    private static readonly TimeSpan Month = TimeSpan.FromDays(30);

    private IRetention Retention => _services.GetRequiredService<IRetention>();

    [Fact]
    public async Task Old_notes_of_spent_attempts_are_deleted_whose_id_never_became_a_payout()
    {
        await SpendAsync("gone-1", 1);
        await SpendAsync("gone-3", 3);
        await SpendAsync("refused", 0, isRefused: true);
        await SpendAsync("many", 4);
        await SpendAsync("reverted", 2, after: (await CreateAsync("reverted")).SequenceId);
        await StartAsync("under-way");
        await AgeNotesAsync();
        await SpendAsync("young", 1);

        Assert.Equal(new PrunedPage(3, IsLast: true), await Retention.PruneSpentAttemptsAsync(Month, MostAttempts, 100, None));

        Assert.Equal(
            ["many spent 4", "reverted spent 2", "under-way create 1", "young spent 1"],
            await QueryAsync($"SELECT payout_id || ' ' || kind || ' ' || attempt FROM {Table("payout_operation")} ORDER BY payout_id"));
        Assert.Equal(1, (await StartAsync("gone-3")).Attempt);
        Assert.Equal(2, (await StartAsync("young")).Attempt);
        Assert.Equal(new PrunedPage(0, IsLast: true), await Retention.PruneSpentAttemptsAsync(Month, MostAttempts, 100, None));
    }

    [Fact]
    public async Task Notes_are_looked_at_page_by_page_and_each_again_in_the_next_pass()
    {
        // Of one instant, the first two of which have to stay.
        foreach (var id in (string[])["a", "b"])
            await SpendAsync(id, 9);
        foreach (var id in (string[])["c", "d", "e"])
            await SpendAsync(id, 1);
        await AgeNotesAsync();

        Assert.Equal(new PrunedPage(0, IsLast: false), await Retention.PruneSpentAttemptsAsync(Month, MostAttempts, 2, None));
        Assert.Equal(new PrunedPage(2, IsLast: false), await Retention.PruneSpentAttemptsAsync(Month, MostAttempts, 2, None));
        Assert.Equal(new PrunedPage(1, IsLast: true), await Retention.PruneSpentAttemptsAsync(Month, MostAttempts, 2, None));
        await ExecuteAsync($"UPDATE {Table("payout_operation")} SET attempt = 1");
        Assert.Equal(new PrunedPage(2, IsLast: false), await Retention.PruneSpentAttemptsAsync(Month, MostAttempts, 2, None));
    }

    [Fact]
    public async Task Old_history_of_final_payouts_is_deleted_down_to_what_tells_how_they_ended()
    {
        foreach (var id in (string[])["unpaid", "confirmed", "cancelled", "reverted", "late"])
            await CreateAsync(id);
        foreach (var id in (string[])["confirmed", "reverted", "late"])
            await ConfirmAsync(id, Instant);
        await CancelAsync("cancelled");
        await CancelAsync("reverted");
        await Outbox.AcknowledgeAllAsync();
        await ExecuteAsync($"UPDATE {Table("payout_event")} SET stored_at = '2020-01-02 03:04:05' WHERE payout_id <> 'late' OR sequence_id = 0");

        Assert.Equal(new PrunedPage(3, IsLast: true), await Retention.PruneEventsAsync(Month, 100, None));

        Assert.Equal(["cancelled 1", "confirmed 1", "late 0", "late 1", "reverted 1", "reverted 2", "unpaid 0"], await EventsAsync());
        Assert.Equal(new PrunedPage(0, IsLast: true), await Retention.PruneEventsAsync(Month, 100, None));
    }

    [Fact]
    public async Task History_is_not_deleted_while_an_event_of_the_payout_is_not_acknowledged()
    {
        await CreateAsync("p1");
        await ConfirmAsync("p1", Instant);
        await ExecuteAsync($"UPDATE {Table("payout_event")} SET stored_at = '2020-01-02 03:04:05'");
        // The first of the two.
        await Outbox.AcknowledgeAsync(await Outbox.ReadAllAsync(), None);

        Assert.Equal(new PrunedPage(0, IsLast: true), await Retention.PruneEventsAsync(Month, 100, None));
        Assert.Equal(["p1 0", "p1 1"], await EventsAsync());

        await Outbox.AcknowledgeAllAsync();
        Assert.Equal(new PrunedPage(1, IsLast: true), await Retention.PruneEventsAsync(Month, 100, None));
        Assert.Equal(["p1 1"], await EventsAsync());
    }

    [Fact]
    public async Task A_payout_whose_history_is_deleted_changes_without_a_gap()
    {
        await CreateAsync("p1");
        await ConfirmAsync("p1", Instant);
        await Outbox.AcknowledgeAllAsync();
        await ExecuteAsync($"UPDATE {Table("payout_event")} SET stored_at = '2020-01-02 03:04:05'");
        await Retention.PruneEventsAsync(Month, 100, None);

        await CancelAsync("p1");

        Assert.Equal(["p1 1", "p1 2"], await EventsAsync());
        Assert.Equal([("p1", 2)], (await Outbox.ReadAllAsync()).Select(e => (e.PayoutId.Value, e.SequenceId)));
        var history = await History.ReadAsync(new PayoutId("p1"), None);
        Assert.Equal([(1, PayoutState.Confirmed), (2, PayoutState.Cancelled)], history.Events.Select(e => (e.SequenceId, e.State!.Value)));
        await Outbox.AcknowledgeAllAsync();
        await ExecuteAsync($"UPDATE {Table("payout_event")} SET stored_at = '2020-01-02 03:04:05'");
        Assert.Equal(0, (await Retention.PruneEventsAsync(Month, 100, None)).Deleted);
    }

    [Fact]
    public async Task Histories_are_looked_at_page_by_page_and_each_again_in_the_next_pass()
    {
        foreach (var id in (string[])["a", "b", "c", "d", "e"])
            await CreateAsync(id);
        foreach (var id in (string[])["c", "d", "e"])
            await ConfirmAsync(id, Instant);
        await Outbox.AcknowledgeAllAsync();
        // Of one instant; the first two are not final.
        await ExecuteAsync($"UPDATE {Table("payout_event")} SET stored_at = '2020-01-02 03:04:05'");

        Assert.Equal(new PrunedPage(0, IsLast: false), await Retention.PruneEventsAsync(Month, 2, None));
        Assert.Equal(new PrunedPage(2, IsLast: false), await Retention.PruneEventsAsync(Month, 2, None));
        Assert.Equal(new PrunedPage(1, IsLast: true), await Retention.PruneEventsAsync(Month, 2, None));
        foreach (var id in (string[])["a", "b"])
            await ConfirmAsync(id, Instant);
        await Outbox.AcknowledgeAllAsync();
        await ExecuteAsync($"UPDATE {Table("payout_event")} SET stored_at = '2020-01-02 03:04:05'");
        Assert.Equal(new PrunedPage(2, IsLast: false), await Retention.PruneEventsAsync(Month, 2, None));
    }

    private async Task SpendAsync(string id, int attempts, int? after = null, bool isRefused = false)
    {
        var operation = await StartAsync(id, after is null ? null : new CancelIntent("why"), after);
        Assert.True(await Operations.AbandonAsync(operation, new AttemptNote(attempts, isRefused), None));
    }

    private async Task CancelAsync(string id)
    {
        var cancelled = (await Payouts.FindAsync(new PayoutId(id), None))!.Cancel("why");
        var operation = await StartAsync(id, new CancelIntent("why"), cancelled.SequenceId - 1);
        Assert.True(await Operations.ApplyAsync(operation, PayoutEvent.OfLatestChange(cancelled, Instant), None));
    }

    private Task AgeNotesAsync() => ExecuteAsync($"UPDATE {Table("payout_operation")} SET started_at = '2020-01-02 03:04:05'");

    private Task<IReadOnlyList<string>> EventsAsync() =>
        QueryAsync($"SELECT payout_id || ' ' || sequence_id FROM {Table("payout_event")} ORDER BY payout_id, sequence_id");
}
