using PayoutManager.Sandbox.Ledger;

namespace PayoutManager.Sandbox;

/// <summary>What the program is told on its command line.</summary>
internal sealed record SandboxArguments
{
    public const string DefaultUrl = "http://localhost:8024";
    public const string DefaultTopic = "pm-events-payout";

    public const string Usage = $"""
        Plays PartyManagement and Shumway, or a Kafka broker, for development, tests and benchmarks.

        Usage:
          PayoutManager.Sandbox [URL] [--ledger deployed|declared]
          PayoutManager.Sandbox broker [TOPIC ...]
          PayoutManager.Sandbox --help

          URL       Where to listen, http://HOST:PORT. * is every address. Default: {DefaultUrl}
          --ledger  How Shumway answers: as the deployed one does (HTTP 400 to refusals, the default) or as its contract
                    declares (exceptions). PUT /ledger changes it later.
          broker    Runs a Kafka broker alone, on a free port, with the topics or else with {DefaultTopic}.
        """;

    public string? Url { get; init; }

    public LedgerForm? Ledger { get; init; }

    public bool Broker { get; init; }

    public IReadOnlyList<string> Topics { get; init; } = [DefaultTopic];

    public bool Help { get; init; }

    /// <exception cref="FormatException">They make no sense; the message says why.</exception>
    public static SandboxArguments Parse(IReadOnlyList<string> arguments)
    {
        if (arguments.Any(a => a is "--help" or "-h"))
            return new SandboxArguments { Help = true };
        if (arguments is ["broker", ..])
            return ParseBroker([.. arguments.Skip(1)]);
        var parsed = new SandboxArguments();
        for (var i = 0; i < arguments.Count; i++)
        {
            parsed = arguments[i] switch
            {
                "--ledger" when parsed.Ledger is not null => throw new FormatException("--ledger occurs more than once"),
                "--ledger" when i + 1 == arguments.Count => throw new FormatException("--ledger needs deployed or declared"),
                "--ledger" => parsed with { Ledger = ParseForm(arguments[++i]) },
                var url when url.Contains("://", StringComparison.Ordinal) => parsed.Url is null
                    ? parsed with { Url = CheckUrl(url) }
                    : throw new FormatException("URL occurs more than once"),
                var unknown => throw new FormatException($"unknown argument {unknown}"),
            };
        }

        return parsed;
    }

    private static SandboxArguments ParseBroker(string[] topics) =>
        topics.FirstOrDefault(topic => !topic.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')) is { } wrong
            ? throw new FormatException($"TOPIC must be of letters, digits, '.', '_' and '-', is {wrong}")
            : new SandboxArguments { Broker = true, Topics = topics.Length > 0 ? topics : [DefaultTopic] };

    private static LedgerForm ParseForm(string name) => name switch
    {
        "deployed" => LedgerForm.Deployed,
        "declared" => LedgerForm.Declared,
        _ => throw new FormatException($"--ledger must be deployed or declared, is {name}"),
    };

    private static string CheckUrl(string url)
    {
        var refusal = new FormatException($"URL must be http://HOST:PORT, is {url}");
        if (!url.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
            throw refusal;
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            throw refusal;
        }

        return address switch
        {
            { IsUnixPipe: true } or { IsNamedPipe: true } or { PathBase.Length: > 0 } or { Port: < 0 or > ushort.MaxValue } =>
                throw refusal,
            // Kestrel would take anything as a host and listen on every address.
            { Host: not ("*" or "+") and var host } when Uri.CheckHostName(host) == UriHostNameType.Unknown => throw refusal,
            { Port: 0, Host: "localhost" } =>
                throw new FormatException("port 0 cannot be used with localhost; use http://127.0.0.1:0"),
            _ => url,
        };
    }
}
