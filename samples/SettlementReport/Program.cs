// Another team's report: what went to merchants, what was earned, and what may happen to each payout yet. It reads no database and
// calls no service; the rules come from PayoutManager.Domain.
//
//   dotnet run < postings.csv       payout id, status, source, destination, minor units, currency
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;

var payouts = ReadLines()
    .Select(line => line.Split(',', StringSplitOptions.TrimEntries))
    .GroupBy(fields => (Id: PayoutId.Parse(fields[0]), State: Enum.Parse<PayoutState>(fields[1], ignoreCase: true)))
    .Select(group => ToPayout(group.Key.Id, group.Key.State, [.. group.Select(ToPosting)]))
    .ToList();

foreach (var payout in payouts)
    Console.WriteLine($"{payout.Id}: {payout.Amount} to the merchant, {payout.Fee} earned, {payout.Status}; {string.Join(", ", Verbs(payout))}");
foreach (var settled in payouts.Where(p => p.Status.State == PayoutState.Confirmed).GroupBy(p => p.Amount.Currency))
{
    Console.WriteLine(
        $"settled in {settled.Key}: {settled.Sum(p => p.Amount.Amount)} to merchants, {settled.Sum(p => p.Fee.Amount)} earned");
}

static IEnumerable<string> ReadLines()
{
    while (Console.ReadLine() is { } line)
        yield return line;
}

static CashFlowPosting ToPosting(string[] fields) =>
    new(ToAccount(fields[2]), ToAccount(fields[3]), Cash.Parse($"{fields[4]} {fields[5]}"));

// MerchantSettlement/10
static CashFlowAccount ToAccount(string text) =>
    text.Split('/') is [var type, var id] ? new(Enum.Parse<AccountType>(type), long.Parse(id)) : throw new FormatException($"'{text}' is no account.");

static Payout ToPayout(PayoutId id, PayoutState state, CashFlowPosting[] postings)
{
    var payout = Payout.Create(
        id,
        DateTimeOffset.UnixEpoch,
        new PartyId("party-1"),
        new ShopId("shop-1"),
        new PayoutToolId("tool-1"),
        postings[0].Volume.Currency,
        new CashFlow(postings));
    return state switch
    {
        PayoutState.Confirmed => payout.Confirm(),
        PayoutState.Cancelled => payout.Cancel("reported"),
        _ => payout,
    };
}

// What the lifecycle allows is asked of the lifecycle, not written down a second time.
static IEnumerable<string> Verbs(Payout payout)
{
    var (confirm, cancel) = (Allowed(payout.Confirm), Allowed(() => payout.Cancel("why")));
    if (confirm)
        yield return "may be confirmed";
    if (cancel)
        yield return "may be cancelled";
    if (!confirm && !cancel)
        yield return "is final";

    bool Allowed(Func<Payout> verb)
    {
        try
        {
            return !ReferenceEquals(verb(), payout);
        }
        catch (InvalidPayoutStateException)
        {
            return false;
        }
    }
}
