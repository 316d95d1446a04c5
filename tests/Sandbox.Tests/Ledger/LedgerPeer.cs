using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Text.Json;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Sandbox.Tests.Ledger;

/// <summary>What came back from a call, to the last header.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="ErrorClass">woody.error-class; null if there is none.</param>
/// <param name="Reason">woody.error-reason; null if there is none.</param>
/// <param name="Result">What the body says; empty if there is no body.</param>
public sealed record LedgerAnswer(int Status, string? ErrorClass, string? Reason, string Result)
{
    /// <summary>The deployed accounter's answer to every refusal.</summary>
    public static LedgerAnswer Refused { get; } = new(400, "Result Unexpected", "internal thrift application error", "");

    public static LedgerAnswer Latest { get; } = new(200, null, null, "latest");

    public static LedgerAnswer Vector(long version) => new(200, null, null, $"vector {version}");

    public static LedgerAnswer Declared(string exception, string text) =>
        new(200, "Business Error", exception, $"{exception}: {text}");
}

/// <summary>Calls the accounter of a sandbox over Thrift and HTTP.</summary>
public sealed class LedgerPeer(LedgerForm form) : IAsyncDisposable
{
    /// <summary>Accounts in RUB.</summary>
    public const long A = 1001, B = 1002, C = 1003;

    /// <summary>An account in USD.</summary>
    public const long Dollars = 1004;

    /// <summary>Accounts whose currency has five characters.</summary>
    public const long LongA = 1005, LongB = 1006;

    /// <summary>Accounts whose currency has four characters outside the basic plane, which are eight UTF-16 units.</summary>
    public const long WideA = 1007, WideB = 1008;

    public const string LongCurrency = "RUBLE";
    public const string WideCurrency = "💰💰💰💰";

    private readonly HttpClient _http = new();
    private SandboxServer _sandbox = null!;

    public LedgerForm Form => form;

    public SandboxServer Sandbox => _sandbox;

    /// <summary>All accounts and plans, for comparison.</summary>
    public string State => JsonSerializer.Serialize(new { Plans = _sandbox.Accounter.ListPlans(), Accounts = _sandbox.Accounter.ListAccounts() });

    public static async Task<LedgerPeer> StartAsync(LedgerForm form)
    {
        var peer = new LedgerPeer(form) { _sandbox = await SandboxServer.StartAsync("http://127.0.0.1:0", ledger: form) };
        foreach (var (id, currency) in (IEnumerable<(long, string)>)[
            (A, "RUB"), (B, "RUB"), (C, "RUB"), (Dollars, "USD"),
            (LongA, LongCurrency), (LongB, LongCurrency), (WideA, WideCurrency), (WideB, WideCurrency)])
        {
            peer._sandbox.Accounter.Open(id, currency, $"account {id}");
        }

        return peer;
    }

    public Task<LedgerAnswer> HoldAsync(string plan, long batch, params IEnumerable<Posting> postings) =>
        CallAsync<Calls.Hold_result>(
            "Hold",
            new Calls.Hold_args { PlanChange = new PostingPlanChange(plan, new PostingBatch(batch, [.. postings])) },
            r => Describe(r.Success, r.E1, r.E2));

    public Task<LedgerAnswer> CommitAsync(string plan, params IEnumerable<PostingBatch> batches) =>
        CallAsync<Calls.CommitPlan_result>(
            "CommitPlan",
            new Calls.CommitPlan_args { Plan = new PostingPlan(plan, [.. batches]) },
            r => Describe(r.Success, r.E1, r.E2));

    public Task<LedgerAnswer> RollbackAsync(string plan, params IEnumerable<PostingBatch> batches) =>
        CallAsync<Calls.RollbackPlan_result>(
            "RollbackPlan",
            new Calls.RollbackPlan_args { Plan = new PostingPlan(plan, [.. batches]) },
            r => Describe(r.Success, r.E1, r.E2));

    public Task<LedgerAnswer> GetPlanAsync(string plan) => CallAsync<Calls.GetPlan_result>(
        "GetPlan",
        new Calls.GetPlan_args { Id = plan },
        r => r.Success is { } found
            ? $"{found.Id}: {string.Join("; ", found.BatchList!.Select(b => $"{b.Id}: {string.Join(", ", b.Postings!.Select(Describe))}"))}"
            : $"PlanNotFound: {r.E1!.PlanId}");

    public Task<LedgerAnswer> GetAccountAsync(long id) => CallAsync<Calls.GetAccountByID_result>(
        "GetAccountByID",
        new Calls.GetAccountByID_args { Id = id },
        r => r.Success is { } found ? $"{found.Id} {found.CurrencySymCode} {found.Description}" : $"AccountNotFound: {r.E1!.AccountId}");

    public Task<LedgerAnswer> GetBalanceAsync(long id, Clock? clock = null) => CallAsync<Calls.GetBalanceByID_result>(
        "GetBalanceByID",
        new Calls.GetBalanceByID_args { Id = id, Clock = clock ?? new Clock.latest(new LatestClock()) },
        r => r switch
        {
            { Success: { } found } =>
                $"{found.Id}: own {found.OwnAmount}, min {found.MinAvailableAmount}, max {found.MaxAvailableAmount}, {Describe(found.Clock!)}",
            { E1: { } unknown } => $"AccountNotFound: {unknown.AccountId}",
            _ => $"ClockInFuture: {r.E2}",
        });

    /// <summary>An account's own amount, and what is available of it at least and at most.</summary>
    public (long Own, long Min, long Max) Balance(long id)
    {
        var view = _sandbox.Accounter.ListAccounts().Single(a => a.Id == id);
        return (view.OwnAmount, view.MinAvailableAmount, view.MaxAvailableAmount);
    }

    public static Posting Post(long from, long to, long amount, string currency = "RUB", string description = "d") =>
        new(from, to, amount, currency, description);

    public static PostingBatch Batch(long id, params IEnumerable<Posting> postings) => new(id, [.. postings]);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _sandbox.DisposeAsync();
    }

    private async Task<LedgerAnswer> CallAsync<TResult>(string method, TBase args, Func<TResult, string> describe)
        where TResult : TBase, new()
    {
        using var content = new ByteArrayContent(ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, 7), args));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-thrift");
        using var response = await _http.PostAsync(_sandbox.ShumwayUrl, content);
        var body = await response.Content.ReadAsByteArrayAsync();
        return new LedgerAnswer(
            (int)response.StatusCode,
            Header("woody.error-class"),
            Header("woody.error-reason"),
            body.Length == 0 ? "" : describe(ThriftMessage.Open(body).ReadBody<TResult>()));

        string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? values.Single() : null;
    }

    private static string Describe(Clock? success, InvalidPostingParams? postings, InvalidRequest? request) =>
        success is not null ? Describe(success)
        : postings is not null ? $"InvalidPostingParams: {string.Join("; ", postings.WrongPostings!.Select(w => $"{Describe(w.Key)}: {w.Value}").Order())}"
        : $"InvalidRequest: {string.Join("; ", request!.Errors!)}";

    private static string Describe(Posting p) => $"{p.FromId}>{p.ToId} {p.Amount} {p.CurrencySymCode} {p.Description}";

    private static string Describe(Clock clock) => clock switch
    {
        { As_latest: not null } => "latest",
        _ => $"vector {BinaryPrimitives.ReadInt64BigEndian(clock.As_vector!.State)}",
    };
}
