namespace PayoutManager.Client;

/// <summary>Where the service is, and how long to wait for it.</summary>
public sealed class PayoutManagerClientOptions
{
    /// <summary>The endpoint, such as <c>http://payout-manager:8022/payout/management</c>. Required.</summary>
    public Uri? Url { get; set; }

    /// <summary>How long a call may take with all its repeats. Default 30 s; from 100 ms to 1 h.</summary>
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to wait for the answer of a single try. Default 10 s; from 10 ms to 1 h.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    internal IEnumerable<string> Faults()
    {
        if (Url is not { IsAbsoluteUri: true, Scheme: "http" or "https" })
            yield return $"{nameof(Url)} must be an absolute http or https address, is {(Url is null ? "missing" : $"'{Url}'")}.";
        if (Deadline < TimeSpan.FromMilliseconds(100) || Deadline > TimeSpan.FromHours(1))
            yield return $"{nameof(Deadline)} must be from 00:00:00.100 to 01:00:00, is {Deadline:c}.";
        if (Timeout < TimeSpan.FromMilliseconds(10) || Timeout > TimeSpan.FromHours(1))
            yield return $"{nameof(Timeout)} must be from 00:00:00.010 to 01:00:00, is {Timeout:c}.";
    }
}
