using Npgsql;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>Payouts as they are read by hand: a row for each posting, or one where there is none.</summary>
internal static class PostgresPayouts
{
    /// <summary>What is read of a payout <c>p</c> joined with its postings <c>c</c>, in order of those.</summary>
    public const string Columns =
        """
        p.sequence_id, p.created_at, p.party_id, p.shop_id, p.status::text, p.payout_tool_id, p.amount, p.fee,
        p.currency_code, p.cancel_details, p.hold_attempt,
        c.from_account_id, c.from_account_type::text, c.to_account_id, c.to_account_type::text, c.amount, c.currency_code,
        c.description, p.payout_id
        """;

    /// <summary>Reads the payout of the present row and its postings.</summary>
    /// <returns>The payout, and whether there is a row after it, which is the present one then.</returns>
    public static async Task<(Payout Payout, bool HasNext)> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var row = new PayoutRow
        {
            PayoutId = reader.GetString(18),
            SequenceId = reader.GetInt32(0),
            CreatedAt = reader.GetDateTime(1),
            PartyId = reader.GetString(2),
            ShopId = reader.GetString(3),
            Status = IncumbentLabel.Read<PayoutState>(reader.GetString(4)),
            PayoutToolId = Text(reader, 5),
            Amount = reader.GetInt64(6),
            Fee = reader.GetInt64(7),
            CurrencyCode = reader.GetString(8),
            CancelDetails = Text(reader, 9),
            HoldAttempt = reader.GetInt32(10),
        };
        var postings = new List<CashFlowPostingRow>();
        bool hasNext;
        do
        {
            if (!reader.IsDBNull(11))
            {
                postings.Add(new CashFlowPostingRow
                {
                    PayoutId = row.PayoutId,
                    FromAccountId = reader.GetInt64(11),
                    FromAccountType = IncumbentLabel.Read<AccountType>(reader.GetString(12)),
                    ToAccountId = reader.GetInt64(13),
                    ToAccountType = IncumbentLabel.Read<AccountType>(reader.GetString(14)),
                    Amount = reader.GetInt64(15),
                    CurrencyCode = reader.GetString(16),
                    Description = Text(reader, 17),
                });
            }

            hasNext = await reader.ReadAsync(cancellationToken);
        }
        while (hasNext && reader.GetString(18) == row.PayoutId);
        return (PayoutRows.ToPayout(row, postings), hasNext);
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
