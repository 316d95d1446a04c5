// Pays out what is due, each once, however often this program is killed: a payout's id is made from the schedule, so that the same
// line is the same payout after any crash, and the journal only saves asking again.
//
//   dotnet run -- http://localhost:8022/payout/management schedule.csv journal.txt
//   dotnet run -- http://localhost:8022/payout/management schedule.csv                what the service says of them
using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Client;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Payouts;

var services = new ServiceCollection();
services.AddPayoutManagerClient(options => options.Url = new Uri(args[0]));
await using var provider = services.BuildServiceProvider();
var payouts = provider.GetRequiredService<IPayoutManagerClient>();
var due = File.ReadLines(args[1]).Select(Due.Parse).ToList();

if (args.Length == 2)
{
    foreach (var line in due)
    {
        var payout = await payouts.GetAsync(line.PayoutId);
        Console.WriteLine($"{payout.PayoutId} {payout.Status!.GetType().Name} {payout.Amount}");
    }

    return;
}

using var journal = new Journal(args[2]);
foreach (var line in due.Where(line => !journal.IsDone(line.PayoutId)))
{
    try
    {
        await payouts.CreateAsync(line.ToParams());
    }
    catch (PayoutAlreadyExistsException e) when (e.SameRequest != false)
    {
        // Made before this program was killed. A payout of another request by this id would be a mistake of the schedule.
    }
    catch (InsufficientFundsException)
    {
        journal.Done(line.PayoutId, "refused: not enough money");
        continue;
    }

    await payouts.ConfirmAsync(line.PayoutId);
    journal.Done(line.PayoutId, "paid");
}

Console.WriteLine($"{due.Count} payouts are done.");

/// <summary>A line of the schedule: payout id, party, shop, minor units, currency.</summary>
internal sealed record Due(string PayoutId, string PartyId, string ShopId, long Amount, string Currency)
{
    public static Due Parse(string line) =>
        line.Split(',') is [var id, var party, var shop, var amount, var currency]
            ? new Due(id, party, shop, long.Parse(amount), currency)
            : throw new FormatException($"'{line}' is not: payout id, party, shop, minor units, currency.");

    public PayoutParams ToParams() =>
        new(new ShopParams(PartyId, ShopId), new Cash(Amount, new CurrencyRef(Currency))) { PayoutId = PayoutId };
}

/// <summary>What is done, a line each; a line that a crash cut off does not count.</summary>
internal sealed class Journal : IDisposable
{
    private readonly HashSet<string> _done;
    private readonly FileStream _file;

    public Journal(string path)
    {
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        var text = new StreamReader(_file, leaveOpen: true).ReadToEnd();
        var whole = text.LastIndexOf('\n') + 1;
        _file.SetLength(System.Text.Encoding.UTF8.GetByteCount(text.AsSpan(0, whole)));
        _file.Seek(0, SeekOrigin.End);
        _done = [.. text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0])];
    }

    public bool IsDone(string payoutId) => _done.Contains(payoutId);

    public void Done(string payoutId, string what)
    {
        _file.Write(System.Text.Encoding.UTF8.GetBytes($"{payoutId} {what}\n"));
        _file.Flush(flushToDisk: true);
    }

    public void Dispose() => _file.Dispose();
}
