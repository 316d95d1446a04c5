using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Testing;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure.Tests.Woody;

public sealed class DependencyProbeTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new();
    private ScriptedPeer _peer = null!;
    private DependencyProbe _probe = null!;

    public async Task InitializeAsync()
    {
        _peer = await ScriptedPeer.StartAsync();
        _probe = Probe(_peer.Url);
    }

    public async Task DisposeAsync()
    {
        _probe.Dispose();
        await _peer.DisposeAsync();
    }

    [Theory]
    [InlineData(200, null)]
    [InlineData(404, null)]
    [InlineData(405, null)]
    [InlineData(500, null)]
    [InlineData(502, "out of reach: HTTP 502")]
    [InlineData(503, "out of reach: HTTP 503")]
    [InlineData(504, "out of reach: HTTP 504")]
    public async Task Any_answer_is_fine_but_that_of_a_proxy_that_has_none(int status, string? fault)
    {
        _peer.OptionsStatus = status;

        Assert.Equal(fault, await _probe.FindFaultAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Nobody_there_is_named_without_an_address()
    {
        using var probe = Probe(new Uri($"http://127.0.0.1:{Ports.Free()}"));

        Assert.Equal("out of reach: ConnectionRefused", await probe.FindFaultAsync(CancellationToken.None));
    }

    /// <summary>As a process does that hangs: the system accepts its connections.</summary>
    [Fact]
    public async Task A_connection_without_an_answer_is_no_sign_of_life()
    {
        using var silence = new TcpListener(IPAddress.Loopback, 0);
        silence.Start();
        using var probe = Probe(new Uri($"http://{silence.LocalEndpoint}"));
        using var patience = new CancellationTokenSource();

        var asked = probe.FindFaultAsync(patience.Token);
        using var accepted = await silence.AcceptTcpClientAsync();
        Assert.NotEqual(0, await accepted.GetStream().ReadAsync(new byte[1]));
        Assert.False(asked.IsCompleted);

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task Three_failed_calls_in_a_row_are_named_until_one_is_answered()
    {
        Fail(2);
        Assert.Null(await _probe.FindFaultAsync(CancellationToken.None));

        Fail(1);
        Assert.Equal("fails every call: HTTP 500", await _probe.FindFaultAsync(CancellationToken.None));

        _probe.Answered();
        Assert.Null(await _probe.FindFaultAsync(CancellationToken.None));
        Fail(2);
        Assert.Null(await _probe.FindFaultAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Failures_are_forgotten_where_no_more_calls_are_made()
    {
        Fail(3);

        _clock.Advance(TimeSpan.FromSeconds(3) - TimeSpan.FromTicks(1));
        Assert.Equal("fails every call: HTTP 500", await _probe.FindFaultAsync(CancellationToken.None));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Null(await _probe.FindFaultAsync(CancellationToken.None));
    }

    private DependencyProbe Probe(Uri url) => new(new DependencyOptions { Url = url }, _clock);

    private void Fail(int times)
    {
        for (; times > 0; times--)
            _probe.Failed(new WoodyCallException(WoodyOutcome.Failed, WoodyErrorClass.ResultUnexpected, "Hold at http://10.0.0.1") { HttpStatus = 500 });
    }
}
