using System.Net;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using NSubstitute;
using NSubstitute.ExceptionExtensions;
using PayoutManager.Application.GetPayout;
using PayoutManager.Application.Outcomes;
using PayoutManager.Host.Thrift;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody.Server;
using Thrift.Protocol.Entities;

namespace PayoutManager.Host.Tests;

/// <summary>Each undeclared error of the application, as a caller sees it.</summary>
public sealed class ErrorTests : IAsyncLifetime
{
    private readonly IMediator _mediator = Substitute.For<IMediator>();
    private readonly HttpClient _http = new();
    private WebApplication _app = null!;

    public static TheoryData<Exception, int, string, string> Errors => new()
    {
        { new NotDoneException("busy"), 503, "Resource Unavailable", "busy" },
        { new OutcomeUnknownException("too slow"), 504, "Result Unknown", "too slow" },
        { new OperationCanceledException(), 504, "Result Unknown", "the deadline has passed" },
        { new DependencyFailedException("http://shumway: HTTP 500", "Result Unexpected"), 502, "Result Unexpected", "a dependency answered with an undeclared error" },
        { new DependencyFailedException("http://shumway: HTTP 502", "Resource Unavailable"), 502, "Resource Unavailable", "a dependency answered with an undeclared error" },
        { new LedgerRefusedException("payout_x", "not found"), 500, "Result Unexpected", "the ledger refused the payout's plan" },
        { new InvalidRequestException(["details are too long"]), 500, "Result Unexpected", "details are too long" },
        { new InvalidOperationException("Host=db;Password=secret"), 500, "Result Unexpected", "internal error" },
        { new NotDoneException("выплата занята\r\nx: y"), 503, "Resource Unavailable", "??????? ??????" + "??" + "x: y" },
        { new NotDoneException(new string('x', 10_000)), 503, "Resource Unavailable", new string('x', 512) },
    };

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddLogging().AddSingleton(TimeProvider.System);
        _app = builder.Build();
        _app.RunWoody(
            new PayoutManagementService(_mediator).Create(),
            new WoodyEndpointOptions { Path = PayoutManagementService.Path, Service = "PayoutManagement", Sort = ErrorSorting.Sort });
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task An_undeclared_error_is_sorted_and_leaks_nothing(Exception error, int status, string errorClass, string reason)
    {
        _mediator.Send(Arg.Any<GetPayoutQuery>(), Arg.Any<CancellationToken>()).ThrowsAsync(error);
        using var content = new ByteArrayContent(ThriftMessage.Serialize(
            new TMessage("GetPayout", TMessageType.Call, 1), new PayoutManagement.InternalStructs.GetPayout_args { PayoutId = "x" }));
        content.Headers.ContentType = new("application/x-thrift");

        var response = await _http.PostAsync(new Uri(new Uri(_app.Urls.First()), PayoutManagementService.Path), content);

        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Assert.Equal(errorClass, response.Headers.GetValues("woody.error-class").Single());
        Assert.Equal(reason, response.Headers.GetValues("woody.error-reason").Single());
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_call_s_arguments_reach_the_use_case_and_its_deadline_ends_it()
    {
        CancellationToken seen = default;
        _mediator.Send(Arg.Is<GetPayoutQuery>(query => query.PayoutId == "выплата"), Arg.Do<CancellationToken>(token => seen = token))
            .Returns(call => NeverAsync(call.Arg<CancellationToken>()));
        using var content = new ByteArrayContent(ThriftMessage.Serialize(
            new TMessage("GetPayout", TMessageType.Call, 1), new PayoutManagement.InternalStructs.GetPayout_args { PayoutId = "выплата" }));
        content.Headers.ContentType = new("application/x-thrift");
        content.Headers.Add("woody.deadline", ThriftTimestamp.Format(TimeProvider.System.GetUtcNow().AddSeconds(3)));

        var response = await _http.PostAsync(new Uri(new Uri(_app.Urls.First()), PayoutManagementService.Path), content);

        Assert.True(seen.IsCancellationRequested);
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
    }

    private static async Task<Domain.Payouts.Payout> NeverAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        throw new InvalidOperationException("Nothing ends this wait but its token.");
    }
}
