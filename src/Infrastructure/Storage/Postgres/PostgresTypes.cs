using System.Collections.Frozen;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>The incumbent's enums, which are types of the database, for contexts.</summary>
internal static class PostgresTypes
{
    public const string Schema = "pm";

    public static void Map(NpgsqlDbContextOptionsBuilder options) => options
        .MapEnum<PayoutState>("payout_status", Schema, IncumbentLabels.Instance)
        .MapEnum<AccountType>("account_type", Schema, IncumbentLabels.Instance);

    private sealed class IncumbentLabels : INpgsqlNameTranslator
    {
        // One for all: contexts are compared by it, and differing ones would share nothing.
        public static readonly IncumbentLabels Instance = new();

        public string TranslateTypeName(string clrName) => ScreamingSnake.Of(clrName).ToLowerInvariant();

        public string TranslateMemberName(string clrName) => ScreamingSnake.Of(clrName);
    }
}

/// <summary>The labels of the incumbent's enums, for statements by hand.</summary>
internal static class IncumbentLabel
{
    public static string Of<T>(T value)
        where T : struct, Enum => Labels<T>.Of[value];

    /// <exception cref="FormatException">This version has no such value.</exception>
    public static T Read<T>(string label)
        where T : struct, Enum => Labels<T>.Values.TryGetValue(label, out var value)
        ? value
        : throw new FormatException($"{typeof(T).Name} has no '{label}'.");

    private static class Labels<T>
        where T : struct, Enum
    {
        public static readonly FrozenDictionary<T, string> Of =
            Enum.GetValues<T>().ToFrozenDictionary(value => value, value => ScreamingSnake.Of(value.ToString()));

        public static readonly FrozenDictionary<string, T> Values = Of.ToFrozenDictionary(label => label.Value, label => label.Key);
    }
}
