using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using PayoutManager.Host.Configuration;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Configuring;

/// <summary>What is wrong is named at start, whoever would read it.</summary>
public sealed class ConfigurationFaultTests
{
    private static readonly string[] Complete =
    [
        "--environment=Production", "--ConnectionStrings:Payouts=Host=127.0.0.1;Port=1;Username=u;Password=secret",
        "--PartyManagement:Url=http://127.0.0.1:1/v1/processing/partymgmt", "--Shumway:Url=http://127.0.0.1:1/shumpune",
        "--Kafka:BootstrapServers=127.0.0.1:1", "--Kestrel:Endpoints:Thrift:Url=http://127.0.0.1:0",
        "--Kestrel:Endpoints:Management:Url=http://127.0.0.1:0",
    ];

    [Theory]
    [InlineData("ConnectionStrings:Payout=Host=x", "ConnectionStrings:Payout: is unknown. Did you mean ConnectionStrings:Payouts?")]
    [InlineData("Storage:Provder=Postgres", "Storage:Provder: is unknown. Did you mean Storage:Provider?")]
    [InlineData("Storage:Schema=pm", "Storage:Schema: is unknown; Storage has Provider, MigrateOnStartup")]
    [InlineData("Shumway:Timeout:Seconds=5", "Shumway:Timeout:Seconds: is unknown; Shumway has Timeout, Authority, ClientCertificate, ClientKey, Url")]
    [InlineData("Shumway:Url=http://127.0.0.1:99999", "Shumway:Url: must be an http or https address, is 'http://127.0.0.1:99999'")]
    [InlineData("Shumway:Url=http://u:secret@127.0.0.1", "Shumway:Url: must be an http or https address without user, query and fragment")]
    [InlineData("PartyManagement:Url=http://127.0.0.1/?a=b", "PartyManagement:Url: must be an http or https address without user, query and fragment")]
    [InlineData("Kestrel:Endpoints:Managment:Url=http://127.0.0.1:0", "Kestrel:Endpoints:Managment:Url: is unknown. Did you mean Kestrel:Endpoints:Management:Url?")]
    [InlineData("Kestrel:Endpoints:Admin:Url=http://127.0.0.1:0", "Kestrel:Endpoints:Admin:Url: is unknown; Kestrel:Endpoints has Thrift, Management")]
    [InlineData("Kestrel:Limits:MaxConcurrentConnections=1", "Kestrel:Limits:MaxConcurrentConnections: is unknown; Kestrel has EndpointDefaults, Certificates, Endpoints")]
    [InlineData("Kestrel:Endpoints:Thrift:Protocols=Http2", "Kestrel:Endpoints:Thrift:Protocols: must be one of Http1, is 'Http2'")]
    [InlineData("Kestrel:Endpoints:Management:Protocols=Http4", "Kestrel:Endpoints:Management:Protocols: must be one of Http1, Http2, Http1AndHttp2, Http3, Http1AndHttp2AndHttp3, is 'Http4'")]
    [InlineData("Kestrel:Endpoints:Thrift:Url=http://127.0.0.1:0/payouts", "Kestrel:Endpoints:Thrift:Url: must be an http or https address with a host and a port alone, is 'http://127.0.0.1:0/payouts'")]
    [InlineData("Kestrel:Endpoints:Thrift:Url=http://*:65536", "Kestrel:Endpoints:Thrift:Url: must be an http or https address with a host and a port alone, is 'http://*:65536'")]
    [InlineData("Kestrel:Endpoints:Thrift:Url=http://unix:/tmp/payouts.sock", "Kestrel:Endpoints:Thrift:Url: must be an http or https address with a host and a port alone, is 'http://unix:/tmp/payouts.sock'")]
    [InlineData("Kestrel:Endpoints:Thrift:Url=http://not a host:8022", "Kestrel:Endpoints:Thrift:Url: must be an http or https address with a host and a port alone, is 'http://not a host:8022'")]
    [InlineData("Kestrel:Endpoints:Thrift:Url=http://localhost:0", "Kestrel:Endpoints:Thrift:Url: cannot have port 0 of localhost, which are two addresses; 127.0.0.1 and [::1] can")]
    [InlineData("Kestrel:Endpoints:Thrift:ClientCertificateMode=RequireCertificate", "Kestrel:Endpoints:Thrift:Url: must be an https address: Kestrel:Endpoints:Thrift has keys that concern nothing else")]
    [InlineData("Logging:LogLevel:Default=Foo", "Logging:LogLevel:Default: must be one of Trace, Debug, Information, Warning, Error, Critical, None, is 'Foo'")]
    [InlineData("Logging:LogLevel:Npgsql.Command=Verbose", "Logging:LogLevel:Npgsql.Command: must be one of Trace, Debug, Information, Warning, Error, Critical, None, is 'Verbose'")]
    [InlineData("Logging:Console:LogLevel:Default=Warn", "Logging:Console:LogLevel:Default: must be one of Trace, Debug, Information, Warning, Error, Critical, None, is 'Warn'")]
    [InlineData("Logging:Default=Debug", "Logging:Default: is unknown; Logging has LogLevel, Console")]
    [InlineData("Logging:Console:FormatterName=jsn", "Logging:Console:FormatterName: must be one of json, simple, systemd, is 'jsn'")]
    [InlineData("Logging:Console:FormatterOptions:UseUtcTimestamp=yes", "Logging:Console:FormatterOptions:UseUtcTimestamp: must be true or false, is 'yes'")]
    [InlineData("Logging:Console:FormatterOptions:TimestampFormat=%", "Logging:Console:FormatterOptions:TimestampFormat: must be a format of .NET's for dates, is '%'")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=zzz", "OTEL_EXPORTER_OTLP_ENDPOINT: must be an http or https address, is 'zzz'")]
    [InlineData("Audits:Interval=00:10:00", "Audits:Interval: is unknown. Did you mean Audit:Interval?")]
    public async Task It_is_named_in_a_line(string setting, string fault)
    {
        var name = setting.Split('=')[0];
        var others = Complete.Where(given => !given.StartsWith($"--{name}=", StringComparison.Ordinal));

        Assert.Equal([fault], await FaultsAsync([.. others, $"--{setting}"]));
    }

    /// <summary>Without a collector they are another program's.</summary>
    [Fact]
    public async Task Of_open_telemetry_is_checked_what_would_send_nothing_or_something_else()
    {
        string[] wrong =
        [
            "--OTEL_EXPORTER_OTLP_PROTOCOL=json", "--OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector:4317", "--OTEL_EXPORTER_OTLP_TIMEOUT=10 s",
            "--OTEL_METRIC_EXPORT_INTERVAL=0", "--OTEL_TRACES_SAMPLER=sometimes", "--OTEL_TRACES_SAMPLER_ARG=2",
        ];

        Assert.Equal(
            [
                "OTEL_EXPORTER_OTLP_PROTOCOL: must be one of grpc, http/protobuf, is 'json'",
                "OTEL_EXPORTER_OTLP_TIMEOUT: must be a whole number from 1 to 2147483647, is '10 s'",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be an http or https address, is 'collector:4317'",
                "OTEL_METRIC_EXPORT_INTERVAL: must be a whole number from 1 to 2147483647, is '0'",
                "OTEL_TRACES_SAMPLER: must be one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio, is 'sometimes'",
                "OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1, is '2'",
            ],
            await FaultsAsync([.. Complete, "--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", .. wrong]));
        Assert.Equal(["Kafka:Topc: is unknown. Did you mean Kafka:Topic?"], await FaultsAsync([.. Complete, "--Kafka:Topc=x", .. wrong]));
    }

    [Fact]
    public async Task Certificates_are_looked_into()
    {
        using var authority = new ThrowAwayAuthority();
        using var folder = new ThrowAwayFolder();
        var (server, client, other) = (authority.IssueForServer(), authority.IssueForClient("CN=client"), authority.IssueForServer());
        var noCertificate = folder.Write("not.pfx", "nothing");
        var encrypted = folder.Write("encrypted.pfx", authority.IssueForServer().Load().Export(X509ContentType.Pkcs12, "secret"));

        Assert.Equal(["Certificate:Path: is required for https"], await CertificateFaultsAsync());
        Assert.Equal(["Certificate:Path: names no file: '/none.pem'"], await CertificateFaultsAsync(("Path", "/none.pem")));
        Assert.Equal(["Certificate:KeyPath: names no file: '/none.key'"], await CertificateFaultsAsync(("Path", server.Path), ("KeyPath", "/none.key")));
        Assert.Equal(["Certificate:Path: is required with Kestrel:Endpoints:Thrift:Certificate:KeyPath"], await CertificateFaultsAsync(("KeyPath", server.KeyPath)));
        Assert.Equal(["Certificate:Path: has a certificate that is not one for servers"], await CertificateFaultsAsync(("Path", client.Path), ("KeyPath", client.KeyPath)));
        Assert.StartsWith("Certificate:Path: and its key cannot be read: ", Assert.Single(await CertificateFaultsAsync(("Path", server.Path), ("KeyPath", other.KeyPath))), StringComparison.Ordinal);
        Assert.StartsWith("Certificate:Path: and its key cannot be read: ", Assert.Single(await CertificateFaultsAsync(("Path", server.Path), ("KeyPath", server.Path))), StringComparison.Ordinal);
        Assert.StartsWith("Certificate:Path: cannot be read as a certificate and its key in PKCS #12: ", Assert.Single(await CertificateFaultsAsync(("Path", noCertificate))), StringComparison.Ordinal);
        Assert.StartsWith("Certificate:Path: cannot be read as a certificate and its key in PKCS #12: ", Assert.Single(await CertificateFaultsAsync(("Path", encrypted), ("Password", "wrong"))), StringComparison.Ordinal);
        Assert.Equal(["Certificate:Subject: names no certificate of the store My of CurrentUser: 'nobody'"], await CertificateFaultsAsync(("Subject", "nobody")));
        Assert.Equal(["Certificate:Subject: excludes Kestrel:Endpoints:Thrift:Certificate:Path"], await CertificateFaultsAsync(("Subject", "nobody"), ("Path", server.Path)));
        Assert.Equal(["Certificate:KeyPth: is unknown. Did you mean Kestrel:Endpoints:Thrift:Certificate:KeyPath?"], await CertificateFaultsAsync(("Path", encrypted), ("Password", "secret"), ("KeyPth", "x")));

        static async Task<IEnumerable<string>> CertificateFaultsAsync(params (string Key, string Value)[] certificate)
        {
            const string endpoint = "Kestrel:Endpoints:Thrift:";
            var faults = await FaultsAsync(
                [
                    .. Complete.Where(setting => !setting.Contains("Thrift:Url", StringComparison.Ordinal)), $"--{endpoint}Url=https://127.0.0.1:0",
                    .. certificate.Select(c => $"--{endpoint}Certificate:{c.Key}={c.Value}"),
                ]);
            return faults.Select(fault => fault.StartsWith(endpoint, StringComparison.Ordinal) ? fault[endpoint.Length..] : fault);
        }
    }

    /// <summary>All that Kestrel, logging and OpenTelemetry read is taken where it makes sense.</summary>
    [Fact]
    public async Task What_makes_sense_is_taken()
    {
        using var authority = new ThrowAwayAuthority();
        using var folder = new ThrowAwayFolder();
        var server = authority.IssueForServer();
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(server.KeyPath));
        var encryptedKey = folder.Write("key.pem", key.ExportEncryptedPkcs8PrivateKeyPem("secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        var both = folder.Write("both.pfx", server.Load().Export(X509ContentType.Pkcs12, "secret"));

        await using var host = await PayoutHost.StartAsync(
            [
                "--environment=Development", "--AllowedHosts=*", "--Storage:MigrateOnStartup=TRUE",
                "--Kestrel:Certificates:Default:Path", both, "--Kestrel:Certificates:Default:Password", "secret",
                "--Kestrel:Certificates:Development:Password=x", "--Kestrel:EndpointDefaults:Protocols=Http1AndHttp2",
                "--Kestrel:Endpoints:Thrift:Url=https://127.0.0.1:0", "--Kestrel:Endpoints:Thrift:Protocols=http1",
                "--Kestrel:Endpoints:Thrift:SslProtocols:0=Tls12", "--Kestrel:Endpoints:Thrift:SslProtocols:1=Tls13",
                "--Kestrel:Endpoints:Thrift:ClientCertificateMode=AllowCertificate",
                "--Kestrel:Endpoints:Management:Url=https://127.0.0.1:0", "--Kestrel:Endpoints:Management:Certificate:Path", server.Path,
                "--Kestrel:Endpoints:Management:Certificate:KeyPath", encryptedKey, "--Kestrel:Endpoints:Management:Certificate:Password=secret",
                "--Logging:LogLevel:Default=none", "--Logging:LogLevel:Some.Category=Information", "--Logging:Console:LogLevel:Default=None",
                "--Logging:Console:FormatterName=JSON", "--Logging:Console:FormatterOptions:IncludeScopes=true",
                "--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
                "--OTEL_TRACES_SAMPLER=traceidratio", "--OTEL_TRACES_SAMPLER_ARG=0.25", "--OTEL_RESOURCE_ATTRIBUTES=a=b", "--OTEL_SOMETHING=else",
            ]);

        Assert.Equal("https", host.ThriftUrl.Scheme);
    }

    /// <summary>Of variables only those are refused that are ours, or nearly so; the others are anybody's.</summary>
    [Fact]
    public async Task Variables_that_are_nearly_ours_are_named_and_others_are_nobody_s_business()
    {
        using var host = ChildProcess.Start(
            "dotnet",
            [HostProcess.Program, .. Complete],
            new Dictionary<string, string>
            {
                ["Storag__Provider"] = "Postgres",
                ["ConnectionStrings__Payout"] = "x",
                ["Kestrel__Endpoints__Managment__Url"] = "http://127.0.0.1:0",
                ["LOGING__LogLevel__Default"] = "Debug",
                ["KAFKA_BOOTSTRAP_SERVERS"] = "kafka:9092",
                ["Thrift_MaxBodySize"] = "1",
                ["Shumway__Timout"] = "00:00:01",
                // As Kubernetes says where services are.
                ["KAFKA_PORT"] = "tcp://10.0.0.1:9092",
                ["SHUMWAY_SERVICE_HOST"] = "10.0.0.2",
                ["AUDIT"] = "1",
                ["DRIFT__Interval"] = "1",
                ["OTHER__Kafka__Topic"] = "x",
                ["npm_config__auth"] = "x",
                ["OTEL_EXPORTER_OTLP__ENDPOINT"] = "x",
                ["OTEL_TRACES_SAMPLER"] = "x",
                ["DOTNET_gcServer"] = "0",
                ["ASPNETCORE_HTTP_PORTS"] = "8080",
                ["Logging__Console__FormatterName"] = "json",
            });

        Assert.Equal(2, await host.WaitAsync());
        Assert.Equal(
            [
                "  ConnectionStrings:Payout: is unknown. Did you mean ConnectionStrings:Payouts?",
                "  KAFKA_BOOTSTRAP_SERVERS: is not read. Did you mean Kafka__BootstrapServers?",
                "  Kestrel:Endpoints:Managment:Url: is unknown. Did you mean Kestrel:Endpoints:Management:Url?",
                "  LOGING:LogLevel:Default: is unknown. Did you mean Logging:LogLevel:Default?",
                "  Shumway:Timout: is unknown. Did you mean Shumway:Timeout?",
                "  Storag:Provider: is unknown. Did you mean Storage:Provider?",
                "  Thrift_MaxBodySize: is not read. Did you mean Thrift__MaxBodySize?",
            ],
            host.StandardError.Split('\n').Skip(1).Order(StringComparer.Ordinal));
        Assert.Equal("", host.StandardOutput);
    }

    [Fact]
    public void A_file_that_is_no_json_is_named_with_its_line()
    {
        using var folder = new ThrowAwayFolder();
        var file = folder.Write("appsettings.json", "{\n  \"Kafka\": { \"Topic\": }\n}");

        var e = Assert.Throws<InvalidConfigurationException>(() => HostSettings.FromFiles(() => new ConfigurationBuilder().AddJsonFile(file).Build()));

        Assert.StartsWith($"The configuration cannot be used:\n  Failed to load configuration from file '{file}'. (", e.Message, StringComparison.Ordinal);
        Assert.Contains("LineNumber: 1", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "Storag": { "Provider": "Postgres" } }""", "Storag:Provider: is unknown. Did you mean Storage:Provider?")]
    [InlineData("""{ "Payouts": { "Max": 5, "Names": ["a"] } }""", "Payouts:Max: is unknown.", "Payouts:Names:0: is unknown.")]
    [InlineData("""{ "Topic": "x", "AllowedHosts": "*" }""", "Topic: is unknown.")]
    [InlineData("""{ "Kafka": { "Topics": "x", "Properties": { "client.id": "y" } } }""", "Kafka:Topics: is unknown. Did you mean Kafka:Topic?")]
    public void In_files_nothing_is_anybody_else_s(string json, params string[] faults)
    {
        using var folder = new ThrowAwayFolder();
        var configuration = new ConfigurationBuilder().AddJsonFile(folder.Write("a.json", json)).AddCommandLine(Complete).Build();

        var e = Assert.Throws<InvalidConfigurationException>(
            () => HostSettings.Read(configuration, new Microsoft.Extensions.Hosting.Internal.HostingEnvironment { EnvironmentName = Environments.Production, ContentRootPath = "/" }));

        Assert.Equal(["The configuration cannot be used:", .. faults.Select(fault => $"  {fault}")], e.Message.Split('\n'));
    }

    /// <summary>The faults with which a start ends; none if it does not.</summary>
    private static async Task<IEnumerable<string>> FaultsAsync(string[] settings)
    {
        try
        {
            await using var host = await PayoutHost.StartAsync(settings);
            return [];
        }
        catch (InvalidConfigurationException e)
        {
            var lines = e.Message.Split('\n');
            Assert.Equal("The configuration cannot be used:", lines[0]);
            Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
            return lines.Skip(1).Select(line => line[2..]);
        }
    }

    private sealed class ThrowAwayFolder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("payouts-").FullName;

        public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

        public string Write(string name, byte[] bytes)
        {
            var file = Path.Combine(_path, name);
            File.WriteAllBytes(file, bytes);
            return file;
        }

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
