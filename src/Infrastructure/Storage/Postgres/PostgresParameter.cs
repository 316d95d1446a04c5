using Npgsql;
using NpgsqlTypes;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>Values for statements by hand.</summary>
internal static class PostgresParameter
{
    public static NpgsqlParameter<T> Of<T>(T value) => new() { TypedValue = value };

    public static NpgsqlParameter OfNullable(string? value) => value is null
        ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text }
        : Of(value);
}
