using PayoutManager.Domain.CashFlows;

namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>cash_flow_posting</c>, a table that the incumbent made. Order by id is the cash flow's order.</summary>
internal sealed class CashFlowPostingRow
{
    public long Id { get; set; }

    public required string PayoutId { get; set; }

    /// <summary>UTC, without saying so.</summary>
    public DateTime CreatedAt { get; set; }

    public long FromAccountId { get; set; }

    public AccountType FromAccountType { get; set; }

    public long ToAccountId { get; set; }

    public AccountType ToAccountType { get; set; }

    public long Amount { get; set; }

    public required string CurrencyCode { get; set; }

    public string? Description { get; set; }
}
