using System.Text.Json;
using System.Text.Json.Serialization;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Sandbox.Parties;
using PayoutManager.Woody.Server;

namespace PayoutManager.Sandbox;

/// <summary>A running sandbox: PartyManagement, Shumway, and pages that show what is in them.</summary>
public sealed class SandboxServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SandboxServer(WebApplication app, Accounter accounter, PartyBook book, FaultInjector faults)
    {
        _app = app;
        Accounter = accounter;
        Parties = book;
        Faults = faults;
    }

    /// <summary>The ledger.</summary>
    public Accounter Accounter { get; }

    /// <summary>The merchants.</summary>
    public PartyBook Parties { get; }

    /// <summary>What goes wrong with calls; nothing at first.</summary>
    public FaultInjector Faults { get; }

    /// <summary>Where the sandbox is.</summary>
    public Uri Url => new(_app.Urls.First());

    /// <summary>Where PartyManagement is.</summary>
    public Uri PartyManagementUrl => new(Url, PartyManagementService.Path);

    /// <summary>Where Shumway is.</summary>
    public Uri ShumwayUrl => new(Url, AccounterService.Path);

    /// <summary>Starts a sandbox.</summary>
    /// <param name="url">Where to listen; port 0 for a free one.</param>
    /// <param name="configure">What else the host of it needs; it reads no configuration and logs nothing by itself.</param>
    /// <param name="ledger">How Shumway answers; <see cref="Ledger.Accounter.Form"/> changes it later.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    public static async Task<SandboxServer> StartAsync(
        string url,
        Action<WebApplicationBuilder>? configure = null,
        LedgerForm ledger = LedgerForm.Deployed,
        CancellationToken cancellationToken = default)
    {
        var accounter = new Accounter(ledger);
        var book = new PartyBook(accounter);
        var faults = new FaultInjector();

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(url);
        configure?.Invoke(builder);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
            json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
            json.SerializerOptions.WriteIndented = true;
        });

        var app = builder.Build();
        MapWoody(app, PartyManagementService.Path, PartyManagementService.Create(book), faults);
        MapWoody(app, AccounterService.Path, AccounterService.Create(accounter), faults);
        MapPages(app, accounter, book);
        MapLedger(app, accounter);
        MapFaults(app, faults);
        await app.StartAsync(cancellationToken);
        return new SandboxServer(app, accounter, book, faults);
    }

    /// <summary>Waits until the process is told to stop.</summary>
    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void MapWoody(WebApplication app, string path, WoodyService service, FaultInjector faults) =>
        app.MapWhen(
            http => http.Request.Path == path,
            branch => branch.Use(faults.InvokeAsync).RunWoody(service, new WoodyEndpointOptions { Path = path, Service = path }));

    private static void MapLedger(IEndpointRouteBuilder pages, Accounter accounter)
    {
        pages.MapGet("/ledger", () => new LedgerSettings { Form = accounter.Form });
        pages.MapPut("/ledger", (HttpRequest request) => PutAsync<LedgerSettings>(
            request,
            $"an object with form, which is {Names<LedgerForm>()}",
            settings =>
            {
                accounter.Form = settings.Form;
                return Results.Json(settings);
            }));
    }

    private static void MapFaults(IEndpointRouteBuilder pages, FaultInjector faults)
    {
        pages.MapGet("/faults", () => new { faults.Settings, faults.Counts, faults.Left });
        pages.MapPut("/faults", (HttpRequest request) => PutAsync<FaultSettings>(
            request,
            $"an object with any of rate, kinds, path, method, containing, count, longestDelay and latency; kinds are {Names<Fault>()}",
            settings =>
            {
                if (settings.FindFault() is { } fault)
                    return Results.BadRequest(fault);
                faults.Settings = settings;
                return Results.Json(settings);
            }));
    }

    private static async Task<IResult> PutAsync<T>(HttpRequest request, string expected, Func<T, IResult> put)
        where T : class
    {
        if (!request.HasJsonContentType())
            return Results.Text("the content type must be application/json", statusCode: StatusCodes.Status415UnsupportedMediaType);
        try
        {
            return await request.ReadFromJsonAsync<T>() is { } settings
                ? put(settings)
                : Results.BadRequest($"the body must be {expected}; it is null");
        }
        catch (JsonException e)
        {
            return Results.BadRequest($"the body must be {expected}: {e.Message}");
        }
    }

    private static string Names<T>()
        where T : struct, Enum =>
        string.Join(", ", Enum.GetNames<T>().Select(JsonNamingPolicy.CamelCase.ConvertName));

    private static void MapPages(IEndpointRouteBuilder pages, Accounter accounter, PartyBook book)
    {
        pages.MapGet("/", () => Results.Json((string[])["/parties", "/accounts", "/accounts/{id}", "/plans?containing=", "/plans/{id}", "/ledger", "/faults"]));
        pages.MapGet("/parties", () => book.Parties.Values.Select(party => new
        {
            party.Id,
            Shops = party.Shops!.Values.Select(shop => new
            {
                shop.Id,
                Currency = shop.Account?.Currency?.SymbolicCode,
                SettlementAccount = shop.Account?.Settlement,
                PayoutTool = shop.PayoutToolId,
            }),
        }));
        pages.MapGet("/accounts", accounter.ListAccounts);
        pages.MapGet("/accounts/{id:long}", (long id) => OneOf(accounter.ListAccounts().Where(a => a.Id == id)));
        pages.MapPost("/accounts/{id:long}/deposits/{amount:long}", (long id, long amount) =>
        {
            if (amount <= 0 || accounter.ListAccounts().All(a => a.Id != id))
                return Results.NotFound();
            book.Deposit(id, amount);
            return OneOf(accounter.ListAccounts().Where(a => a.Id == id));
        });
        pages.MapGet("/plans", (string? containing) => accounter.ListPlans(containing));
        pages.MapGet("/plans/{id}", (string id) => OneOf(accounter.ListPlans(id).Where(p => p.Id == id)));
    }

    private sealed record LedgerSettings
    {
        public required LedgerForm Form { get; init; }
    }

    private static IResult OneOf<T>(IEnumerable<T> found) =>
        found.FirstOrDefault() is { } one ? Results.Json(one) : Results.NotFound();
}
