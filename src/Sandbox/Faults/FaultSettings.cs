using PayoutManager.Sandbox.Ledger;
using PayoutManager.Sandbox.Parties;

namespace PayoutManager.Sandbox.Faults;

/// <summary>A way in which a call can go wrong.</summary>
public enum Fault
{
    /// <summary>503 at once; nothing is done.</summary>
    Unavailable,

    /// <summary>The connection breaks before anything is done.</summary>
    RequestLost,

    /// <summary>It is done, and the connection breaks before the answer.</summary>
    AnswerLost,

    /// <summary>It is done, and the answer is that this is unknown: 504.</summary>
    Unknown,

    /// <summary>It is done after a delay, whether or not the caller still waits.</summary>
    Late,

    /// <summary>It is done and answered, and done once more after a delay, as by a network that repeats.</summary>
    Doubled,

    /// <summary>500, an undeclared error; nothing is done.</summary>
    Undeclared,

    /// <summary>It is done, and the answer is an undeclared error all the same.</summary>
    UndeclaredAfterEffect,

    /// <summary>It is done, and a proxy answers 503, without <c>woody.error-class</c>.</summary>
    ProxyUnavailable,

    /// <summary>It is done, and a proxy answers 502, without <c>woody.error-class</c>.</summary>
    ProxyBadGateway,

    /// <summary>It is done, and a proxy answers 504, without <c>woody.error-class</c>.</summary>
    ProxyTimeout,

    /// <summary>It is done, and the connection is reset (TCP RST) before the answer.</summary>
    ConnectionReset,
}

/// <summary>How often calls go wrong, and how.</summary>
public sealed record FaultSettings
{
    private static readonly string[] Paths = [PartyManagementService.Path, AccounterService.Path];

    private static readonly string[] Methods =
    [
        "Get", "ComputePayoutCashFlow",
        "Hold", "CommitPlan", "RollbackPlan", "GetPlan", "GetAccountByID", "GetBalanceByID",
    ];

    /// <summary>The part of all calls that go wrong, from 0 to 1. Default 0.</summary>
    public double Rate { get; init; }

    /// <summary>The ways in which they do, each as often as the others. Default: all of them.</summary>
    public IReadOnlyList<Fault> Kinds { get; init; } = Enum.GetValues<Fault>();

    /// <summary>The service whose calls go wrong, by its path; null for all services.</summary>
    public string? Path { get; init; }

    /// <summary>The Thrift method whose calls go wrong; null for all methods.</summary>
    public string? Method { get; init; }

    /// <summary>A text that the calls contain that go wrong, such as a plan id; null for any.</summary>
    public string? Containing { get; init; }

    /// <summary>How many calls go wrong before all calls succeed again, at least 1; null for no end.</summary>
    public int? Count { get; init; }

    /// <summary>The longest delay of what comes late or twice. Default 2 s, at most a minute.</summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long every call takes before it is served, as over a network. Default 0, at most a minute.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>What is wrong with these settings; null if nothing is.</summary>
    public string? FindFault() => this switch
    {
        { Rate: not (>= 0 and <= 1) } => $"rate must be from 0 to 1, is {Rate}",
        { Kinds: not { Count: > 0 } } => $"kinds must name at least one of {string.Join(", ", Enum.GetNames<Fault>())}",
        { Path: { } path } when !Paths.Contains(path) => $"path must be one of {string.Join(", ", Paths)}, is {path}",
        { Method: { } method } when !Methods.Contains(method) => $"method must be one of {string.Join(", ", Methods)}, is {method}",
        { Containing: "" } => "containing must not be empty",
        { Count: < 1 and var count } => $"count must be at least 1, is {count}",
        { LongestDelay: var delay } when delay < TimeSpan.Zero || delay > TimeSpan.FromMinutes(1) =>
            $"longestDelay must be from 00:00:00 to 00:01:00, is {delay:c}",
        { Latency: var latency } when latency < TimeSpan.Zero || latency > TimeSpan.FromMinutes(1) =>
            $"latency must be from 00:00:00 to 00:01:00, is {latency:c}",
        _ => null,
    };
}
