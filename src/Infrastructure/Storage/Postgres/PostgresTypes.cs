using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>The incumbent's enums, which are types of the database.</summary>
internal static class PostgresTypes
{
    public const string Schema = "pm";

    private const string PayoutStatus = "payout_status";
    private const string AccountKind = "account_type";

    /// <summary>For connections that are used by themselves.</summary>
    public static void Map(NpgsqlDataSourceBuilder source) => source
        .MapEnum<PayoutState>($"{Schema}.{PayoutStatus}", IncumbentLabels.Instance)
        .MapEnum<AccountType>($"{Schema}.{AccountKind}", IncumbentLabels.Instance);

    /// <summary>For contexts.</summary>
    public static void Map(NpgsqlDbContextOptionsBuilder options) => options
        .MapEnum<PayoutState>(PayoutStatus, Schema, IncumbentLabels.Instance)
        .MapEnum<AccountType>(AccountKind, Schema, IncumbentLabels.Instance);

    private sealed class IncumbentLabels : INpgsqlNameTranslator
    {
        // One for all: contexts are compared by it, and differing ones would share nothing.
        public static readonly IncumbentLabels Instance = new();

        public string TranslateTypeName(string clrName) => ScreamingSnake.Of(clrName).ToLowerInvariant();

        public string TranslateMemberName(string clrName) => ScreamingSnake.Of(clrName);
    }
}
