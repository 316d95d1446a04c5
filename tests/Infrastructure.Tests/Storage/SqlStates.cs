using Npgsql;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>Errors as PostgreSQL and its driver raise them, of every class.</summary>
internal static class SqlStates
{
    // Appendix A of PostgreSQL's documentation.
    private static readonly string[] Classes =
    [
        "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23", "24", "25", "26", "27",
        "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44", "53", "54", "55", "57", "58", "72", "F0", "HV",
        "P0", "XX", "ZZ",
    ];

    private static readonly string[] Special =
    [
        "08001", "08006", "08007", "08P01", "22021", "22P02", "22P05", "23502", "23505", "25006", "25P02", "26000", "28P01", "40001",
        "40002", "40003", "40P01", "42501", "42P01", "53100", "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03", "57P05",
        "58030", "P0001", "XX001",
    ];

    // Written down once more, from the decision: a class that is added there by mistake is found here.
    private static readonly string[] ProvenWithoutEffect =
        ["23", "25", "28", "3D", "3F", "40", "42", "53", "55", "57014", "57P03"];

    /// <summary>What a message may quote, except that of an error that is about names alone.</summary>
    public const string Data = "a value of the statement";

    /// <summary>All of them, by name, and whether each proves that its statement had no effect.</summary>
    public static IReadOnlyList<(string Name, Func<Exception> Create, bool IsRefusal)> All { get; } =
    [
        .. Classes.Select(c => $"{c}000").Concat(Special).Select(code => Of("ERROR", code)),
        .. ((string[])["23505", "25P03", "40001", "53200", "57014", "57P01", "57P03", "XX000"]).Select(code => Of("FATAL", code)),
        Of("PANIC", "53100"),
        ("connection lost", () => new NpgsqlException("Exception while reading from stream", new IOException("reset")), false),
        ("time-out", () => new NpgsqlException("Exception while reading from stream", new TimeoutException()), false),
        ("cancelled", () => new OperationCanceledException(), false),
        ("cancelled by the server as asked", () => new OperationCanceledException("", Error("ERROR", "57014")), true),
        ("a mistake", () => new InvalidCastException("a mistake"), false),
    ];

    private static (string Name, Func<Exception> Create, bool IsRefusal) Of(string severity, string code) => (
        $"{severity} {code}",
        () => Error(severity, code),
        severity == "ERROR" && IsListed(code));

    // The server's words may be translated; the invariant severity is not.
    private static PostgresException Error(string severity, string code) =>
        new(IsListed(code) ? "a table's name" : Data, "ОШИБКА", severity, code);

    private static bool IsListed(string code) =>
        code != "40003" && ProvenWithoutEffect.Any(listed => code.StartsWith(listed, StringComparison.Ordinal));
}
