using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>What an audit has read of the topic, and which events must be in it.</summary>
/// <param name="From">Acknowledged events that were stored from this instant on must be there.</param>
/// <param name="UpTo">Up to this instant; later ones are nothing to this look.</param>
/// <param name="Contents">The records.</param>
/// <param name="ReadSince">From when on the topic was read.</param>
/// <param name="ReadUntil">Up to when; null for all that was there.</param>
internal sealed record TopicView(
    DateTimeOffset From, DateTimeOffset UpTo, TopicContents Contents, DateTimeOffset ReadSince, DateTimeOffset? ReadUntil)
{
    /// <summary>The topic was not read, so nothing is missed from it.</summary>
    public static TopicView Unread { get; } = new(
        DateTimeOffset.MaxValue,
        DateTimeOffset.MaxValue,
        new TopicContents(DateTimeOffset.MaxValue, new Dictionary<string, IReadOnlyList<PublishedEvent>>()),
        DateTimeOffset.MinValue,
        ReadUntil: null);

    /// <summary>Whether an event must be in the topic once the broker has acknowledged it.</summary>
    public bool Judges(StoredEvent stored) => stored.StoredAt >= From && stored.StoredAt <= UpTo;

    /// <summary>This view with what another look has shown of a payout.</summary>
    public TopicView With(TopicView other, PayoutId payoutId)
    {
        var known = Contents.Of(payoutId);
        var places = known.Select(record => (record.Partition, record.Offset)).ToHashSet();
        return this with
        {
            From = other.From > From ? other.From : From,
            Contents = other.Contents with
            {
                Ends = other.ReadUntil is null ? other.Contents.Ends : Contents.Ends,
                Records = new Dictionary<string, IReadOnlyList<PublishedEvent>>
                {
                    [payoutId.Value] =
                    [
                        .. known.Concat(other.Contents.Of(payoutId).Where(record => !places.Contains((record.Partition, record.Offset))))
                            .OrderBy(record => record.Partition)
                            .ThenBy(record => record.Offset),
                    ],
                },
            },
            ReadSince = other.ReadSince < ReadSince ? other.ReadSince : ReadSince,
            ReadUntil = ReadUntil is null || other.ReadUntil is null ? null : ReadUntil > other.ReadUntil ? ReadUntil : other.ReadUntil,
        };
    }
}

/// <summary>What an audit of many payouts has read of the topic: the same for all of them, and of some more.</summary>
internal sealed class TopicViews(TopicView common)
{
    private readonly Dictionary<PayoutId, TopicView> _ofSome = [];

    /// <summary>What was read of most.</summary>
    public TopicView Common => common;

    /// <summary>The topic was not read.</summary>
    public static TopicViews Unread => new(TopicView.Unread);

    /// <summary>What was read of a payout.</summary>
    public TopicView Of(PayoutId payoutId) => _ofSome.GetValueOrDefault(payoutId, common);

    /// <summary>Adds what another look has shown of a payout.</summary>
    public void Add(PayoutId payoutId, TopicView view) => _ofSome[payoutId] = Of(payoutId).With(view, payoutId);
}
