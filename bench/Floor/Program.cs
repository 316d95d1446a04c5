using System.Globalization;
using PayoutManager.Bench.Floor;

// <url> <connection string> <PartyManagement> <Shumway> [<pool>]: with a pool, each create holds one of its connections, in an
// open transaction, during the calls to its dependencies, as a service does that keeps both in one transaction.
var pool = args.Length > 4 ? int.Parse(args[4], CultureInfo.InvariantCulture) : 0;
await using var rows = new Rows(args[1], pool);
using var peers = new Peers(new Uri(args[2]), new Uri(args[3]));
var payouts = new Payouts(rows, peers, holdsConnections: pool > 0);

var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
builder.WebHost.UseKestrelCore().UseUrls(args[0]);
var app = builder.Build();
app.Map("/allocated", asked => asked.Run(http => http.Response.WriteAsync($"{GC.GetTotalAllocatedBytes()}")));
app.Run(payouts.ServeAsync);
await app.StartAsync();
Console.WriteLine($"Up at {app.Urls.First()}");
await app.WaitForShutdownAsync();
