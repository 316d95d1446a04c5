using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Sandbox.Parties;
using PayoutManager.Thrift.Accounting;

namespace PayoutManager.Sandbox.Tests;

public sealed class SandboxServerTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private SandboxServer _sandbox = null!;

    public async Task InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync("http://127.0.0.1:0");
        _http.BaseAddress = _sandbox.Url;
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _sandbox.DisposeAsync();
    }

    [Fact]
    public async Task Its_accounts_and_plans_can_be_looked_at()
    {
        _sandbox.Accounter.Hold(new PostingPlanChange("payout_p1", new PostingBatch(1, [new Posting(10, 12, 5, "RUB", "x")])));

        using var account = JsonDocument.Parse(await _http.GetStringAsync("/accounts/10"));
        Assert.Equal(PartyBook.Balance - 5, account.RootElement.GetProperty("minAvailableAmount").GetInt64());
        using var plan = JsonDocument.Parse(await _http.GetStringAsync("/plans/payout_p1"));
        Assert.Equal("held", plan.RootElement.GetProperty("state").GetString());
        Assert.Equal(5, plan.RootElement.GetProperty("postings")[0].GetProperty("amount").GetInt64());
        using var plans = JsonDocument.Parse(await _http.GetStringAsync("/plans?containing=p1"));
        Assert.Equal(1, plans.RootElement.GetArrayLength());
        using var parties = JsonDocument.Parse(await _http.GetStringAsync("/parties"));
        Assert.Equal(
            ["party-1", "party-2", .. Enumerable.Range(1, 16).Select(n => $"party-load-{n}"), "party-odd"],
            parties.RootElement.EnumerateArray().Select(p => p.GetProperty("id").GetString()));

        Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync("/plans/gone")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync("/accounts/99999")).StatusCode);
    }

    [Fact]
    public async Task An_account_can_be_given_money()
    {
        var answer = await _http.PostAsync("/accounts/16/deposits/250", null);

        using var account = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal(100_250, account.RootElement.GetProperty("ownAmount").GetInt64());
        Assert.Equal(0, _sandbox.Accounter.ListAccounts().Where(a => a.Currency == "RUB").Sum(a => a.OwnAmount));
        Assert.Equal(HttpStatusCode.NotFound, (await _http.PostAsync("/accounts/99999/deposits/1", null)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _http.PostAsync("/accounts/16/deposits/-1", null)).StatusCode);
    }

    [Fact]
    public async Task The_ledger_s_form_can_be_seen_and_changed()
    {
        Assert.Equal("deployed", await FormAsync());

        var answer = await _http.PutAsJsonAsync("/ledger", new { form = "declared" });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("declared", await FormAsync());
        Assert.Equal(LedgerForm.Declared, _sandbox.Accounter.Form);

        async Task<string?> FormAsync()
        {
            using var ledger = JsonDocument.Parse(await _http.GetStringAsync("/ledger"));
            return ledger.RootElement.GetProperty("form").GetString();
        }
    }

    [Theory]
    [InlineData("""{ "form": "old" }""")]
    [InlineData("""{ "form": 1 }""")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{ "form": "declared", "limit": 64 }""")]
    [InlineData("declared")]
    public async Task A_form_that_makes_no_sense_is_refused(string settings)
    {
        var answer = await _http.PutAsync("/ledger", new StringContent(settings, Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.StartsWith(
            "\"the body must be an object with form, which is deployed, declared", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(LedgerForm.Deployed, _sandbox.Accounter.Form);
    }

    [Theory]
    [InlineData("/ledger")]
    [InlineData("/faults")]
    public async Task Settings_are_json(string page)
    {
        var answer = await _http.PutAsync(page, new StringContent("{}"));

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        Assert.Equal("the content type must be application/json", await answer.Content.ReadAsStringAsync());
    }
}
