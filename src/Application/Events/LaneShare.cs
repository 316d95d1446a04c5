using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Events;

/// <summary>Shares the lanes out among the hosts that are there: as many to each as to any other, or one more or less.</summary>
internal static class LaneShare
{
    /// <summary>How many lanes are a host's share. The hosts that come first have one more where it does not divide evenly.</summary>
    public static int Of(string owner, LaneBook book)
    {
        // One that is not there yet counts as the last.
        var rank = book.Hosts.TakeWhile(host => host != owner).Count();
        var hosts = Math.Max(book.Hosts.Count, rank + 1);
        return (book.Lanes.Count / hosts) + (rank < book.Lanes.Count % hosts ? 1 : 0);
    }

    /// <summary>The lanes that a host should try to take: free ones, and those that it was given without learning of it, up to its share.</summary>
    /// <param name="owner">The host.</param>
    /// <param name="held">The lanes that it has.</param>
    /// <param name="book">Who has which lane.</param>
    public static IReadOnlyList<int> ToTake(string owner, IReadOnlyCollection<int> held, LaneBook book) =>
    [
        .. book.Lanes
            .Where(lease => (lease.IsFree || lease.Owner == owner) && !held.Contains(lease.Lane))
            .Select(lease => lease.Lane)
            .Take(Math.Max(0, Of(owner, book) - held.Count)),
    ];

    /// <summary>How many lanes a host should give up.</summary>
    public static int Excess(string owner, IReadOnlyCollection<int> held, LaneBook book) =>
        Math.Max(0, held.Count - Of(owner, book));
}
