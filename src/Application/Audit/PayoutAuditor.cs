using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>Looks at payouts from three sides, without changing any.</summary>
internal sealed class PayoutAuditor(IPayoutHistory history, IPublishedEvents published, LedgerProbe probe)
{
    private const int Looks = 3;

    // Hosts' clocks differ; what was created at an instant may have been sent a little before it.
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>Reads the topic, before anything else is looked at.</summary>
    /// <param name="since">From when on events are to be judged.</param>
    /// <param name="payoutId">The only payout to be judged; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<Topic> ReadTopicAsync(DateTimeOffset since, PayoutId? payoutId, CancellationToken cancellationToken)
    {
        var readAt = await history.GetNowAsync(cancellationToken);
        var contents = await published.ReadAsync(since - Skew, payoutId, cancellationToken);
        return new Topic(
            contents with { CompleteSince = contents.CompleteSince < since ? since : contents.CompleteSince + Skew },
            readAt);
    }

    /// <summary>Compares what is said of one payout.</summary>
    public async Task<PayoutAudit> AuditAsync(PayoutId payoutId, Topic topic, CancellationToken cancellationToken)
    {
        for (var look = 0; look < Looks; look++)
        {
            var before = await history.ReadAsync(payoutId, cancellationToken);
            if (before.IsUnderWay)
                break;
            var holds = await probe.ProbeHoldsAsync(
                payoutId, before.Payout?.HoldAttempt ?? before.SpentAttempts, cancellationToken);
            var reverts = before.Payout is null ? [] : await probe.ProbeRevertsAsync(payoutId, cancellationToken);

            // What has changed meanwhile cannot be compared.
            var after = await history.ReadAsync(payoutId, cancellationToken);
            if (VersionOf(before) == VersionOf(after))
            {
                return new PayoutAudit(
                    payoutId,
                    IsUnderWay: false,
                    [
                        .. LedgerRules.Judge(payoutId, before, holds, reverts),
                        .. EventRules.Judge(before, topic.Contents, topic.ReadAt),
                    ]);
            }
        }

        return new PayoutAudit(payoutId, IsUnderWay: true, []);
    }

    private static (int?, bool, int, int) VersionOf(PayoutHistory history) =>
        (history.Payout?.SequenceId, history.IsUnderWay, history.SpentAttempts, history.Events.Count);

    /// <summary>The topic as it was when it was read.</summary>
    /// <param name="Contents">What is in it.</param>
    /// <param name="ReadAt">When, by the database's clock.</param>
    internal sealed record Topic(TopicContents Contents, DateTimeOffset ReadAt);
}
