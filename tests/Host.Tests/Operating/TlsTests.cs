using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using PayoutManager.Sandbox;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

public sealed class TlsTests : IAsyncLifetime
{
    private readonly ThrowAwayAuthority _authority = new();
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync()
    {
        await _peers.DisposeAsync();
        _authority.Dispose();
    }

    [Fact]
    public async Task Nobody_gets_in_but_with_a_certificate_of_the_authority_that_is_still_good()
    {
        using var other = new ThrowAwayAuthority();
        using var host = StartWithTls();
        await host.UntilReadyAsync();

        foreach (var stranger in (IssuedCertificate?[])
            [
                null,
                other.IssueForClient("CN=writer"),
                _authority.IssueExpired("CN=writer"),
                _authority.IssueForServer(),
            ])
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => CallAsync(host, stranger, "GetPayout", new Calls.GetPayout_args { PayoutId = "x" }));
        }

        Assert.Equal(HttpStatusCode.OK, (await CreateAsync(host, "right", "CN=writer")).StatusCode);
        Assert.Equal(["payout_right"], _peers.Plans("payout_").Keys);
    }

    [Fact]
    public async Task Each_caller_may_call_what_its_subject_is_listed_for()
    {
        using var host = StartWithTls(
            ("Thrift__Callers__reader__Subject", "CN=reader,O=Reports"),
            ("Thrift__Callers__reader__Methods", "GetPayout"),
            ("Thrift__Callers__writer__Subject", "CN=writer"),
            ("Thrift__Callers__writer__Methods", "*"));
        await host.UntilReadyAsync();

        Assert.Equal(HttpStatusCode.OK, (await CreateAsync(host, "p", "CN=writer")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(host, "p", "CN=reader, O=Reports")).StatusCode);
        using var refused = await CreateAsync(host, "q", "CN=reader, O=Reports");
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal("Result Unexpected", refused.Headers.GetValues("woody.error-class").Single());
        Assert.Equal("CN=reader, O=Reports may not call CreatePayout", refused.Headers.GetValues("woody.error-reason").Single());
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync(host, "p", "CN=somebody")).StatusCode);
        Assert.Equal(["payout_p"], _peers.Plans("payout_").Keys);
    }

    [Fact]
    public async Task Dependencies_are_called_over_https_with_a_private_authority_and_a_certificate_of_our_own()
    {
        await using var sandbox = await SandboxServer.StartAsync("https://127.0.0.1:0", builder => builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(
            kestrel => kestrel.ConfigureHttpsDefaults(https =>
            {
                https.ServerCertificate = _authority.IssueForServer().Load();
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (certificate, _, _) => certificate.Subject == "CN=payouts";
            })));
        var ours = _authority.IssueForClient("CN=payouts");
        (string, string)[] configuration =
        [
            ("PartyManagement__Url", sandbox.PartyManagementUrl.ToString()),
            ("PartyManagement__Authority", _authority.Path),
            ("PartyManagement__ClientCertificate", ours.Path),
            ("PartyManagement__ClientKey", ours.KeyPath),
            ("Shumway__Url", sandbox.ShumwayUrl.ToString()),
            ("Shumway__Authority", _authority.Path),
            ("Shumway__ClientCertificate", ours.Path),
            ("Shumway__ClientKey", ours.KeyPath),
        ];

        using var host = HostProcess.Start(_peers, configuration);
        await host.UntilReadyAsync();
        var created = await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("secure", 100_000));
        Assert.Equal("secure", created.Success!.PayoutId);

        // Whoever it is that has a certificate of another authority, it is not asked for anything.
        using var other = new ThrowAwayAuthority();
        using var careful = HostProcess.Start(_peers, [.. configuration, ("PartyManagement__Authority", other.Path), ("Thrift__DefaultDeadline", "00:00:01")]);
        await careful.UntilReadyAsync();
        var refused = await Assert.ThrowsAsync<WoodyCallException>(
            () => careful.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("insecure", 100_000)));
        Assert.Equal(WoodyOutcome.NotDone, refused.Outcome);
    }

    [Fact]
    public async Task What_is_wrong_with_certificates_and_callers_is_named_at_start()
    {
        using var host = HostProcess.Start(
            _peers,
            ("Kestrel__Endpoints__Management__Url", $"https://127.0.0.1:{Ports.Free()}"),
            ("Kestrel__Endpoints__Management__Certificate__Path", "/none.pem"),
            ("Thrift__ClientAuthority", "/none.pem"),
            ("Thrift__Callers__a__Subject", "reader"),
            ("Thrift__Callers__a__Methods", "GetPayouts"),
            ("Thrift__Callers__b__Role", "x"),
            ("Shumway__ClientCertificate", _authority.Path));

        Assert.Equal(2, await host.WaitAsync());
        Assert.Equal(
            [
                "Kestrel:Endpoints:Management:Certificate:Path", "Shumway:ClientKey", "Thrift:Callers:a:Methods",
                "Thrift:Callers:a:Subject", "Thrift:Callers:b:Methods", "Thrift:Callers:b:Role", "Thrift:Callers:b:Subject",
                "Thrift:ClientAuthority",
            ],
            host.Output.Split('\n').Skip(1).Select(line => line.Trim().Split(": ")[0]).Order(StringComparer.Ordinal));
    }

    private HostProcess StartWithTls(params (string Key, string Value)[] changes)
    {
        var certificate = _authority.IssueForServer();
        return HostProcess.StartWithTls(
            _peers,
            [
                ("Kestrel__Endpoints__Thrift__Certificate__Path", certificate.Path),
                ("Kestrel__Endpoints__Thrift__Certificate__KeyPath", certificate.KeyPath),
                ("Thrift__ClientAuthority", _authority.Path),
                .. changes,
            ]);
    }

    private Task<HttpResponseMessage> CreateAsync(HostProcess host, string id, string subject) =>
        CallAsync(host, _authority.IssueForClient(subject), "CreatePayout", RunningHost.CreateArgs(id, 100_000));

    private Task<HttpResponseMessage> GetAsync(HostProcess host, string id, string subject) =>
        CallAsync(host, _authority.IssueForClient(subject), "GetPayout", new Calls.GetPayout_args { PayoutId = id });

    private async Task<HttpResponseMessage> CallAsync(
        HostProcess host, IssuedCertificate? certificate, string method, global::Thrift.Protocol.TBase args)
    {
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = certificate is null ? null : [certificate.Load()],
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                    CustomTrustStore = { _authority.Certificate },
                },
            },
        };
        using var http = new HttpClient(handler);
        using var content = new ByteArrayContent(ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, 1), args));
        content.Headers.ContentType = new("application/x-thrift");
        return await http.PostAsync(host.ThriftUrl, content);
    }
}
