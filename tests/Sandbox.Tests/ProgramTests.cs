using System.Net.Sockets;
using System.Text.RegularExpressions;
using PayoutManager.Testing;

namespace PayoutManager.Sandbox.Tests;

/// <summary>The program as it is built.</summary>
public sealed partial class ProgramTests
{
    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("http://127.0.0.1:0", "--help")]
    [InlineData("--nonsense", "--help")]
    public async Task Asked_for_help_it_prints_usage(params string[] arguments)
    {
        using var program = Start(arguments);

        Assert.Equal(0, await program.WaitAsync());
        Assert.StartsWith("Plays PartyManagement and Shumway", program.Output, StringComparison.Ordinal);
        Assert.Contains("PayoutManager.Sandbox [URL] [--ledger deployed|declared]", program.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown argument --nonsense", "--nonsense")]
    [InlineData("unknown argument help", "help")]
    [InlineData("unknown argument ", "")]
    [InlineData("--ledger needs deployed or declared", "--ledger")]
    [InlineData("--ledger must be deployed or declared, is old", "--ledger", "old")]
    [InlineData("--ledger must be deployed or declared, is 1", "--ledger", "1")]
    [InlineData("--ledger occurs more than once", "--ledger", "declared", "--ledger", "declared")]
    [InlineData("URL must be http://HOST:PORT, is https://127.0.0.1:0", "https://127.0.0.1:0")]
    [InlineData("URL must be http://HOST:PORT, is http://127.0.0.1:port", "http://127.0.0.1:port")]
    [InlineData("URL must be http://HOST:PORT, is http://127.0.0.1:65536", "http://127.0.0.1:65536")]
    [InlineData("URL must be http://HOST:PORT, is http://127.0.0.1:0/shumpune", "http://127.0.0.1:0/shumpune")]
    [InlineData("URL must be http://HOST:PORT, is http://a b:0", "http://a b:0")]
    [InlineData("URL must be http://HOST:PORT, is http://", "http://")]
    [InlineData("port 0 cannot be used with localhost; use http://127.0.0.1:0", "http://localhost:0")]
    [InlineData("URL occurs more than once", "http://127.0.0.1:0", "http://127.0.0.1:0")]
    [InlineData("TOPIC must be of letters, digits, '.', '_' and '-', is http://127.0.0.1:0", "broker", "http://127.0.0.1:0")]
    [InlineData("unknown argument broker", "http://127.0.0.1:0", "broker")]
    public async Task Called_wrongly_it_says_why_and_how(string error, params string[] arguments)
    {
        using var program = Start(arguments);

        Assert.Equal(2, await program.WaitAsync());
        var lines = program.Output.Split('\n');
        Assert.Equal(error, lines[0]);
        Assert.Contains("Usage:", lines);
    }

    [Fact]
    public async Task It_says_that_it_cannot_listen()
    {
        using var taken = new TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        using var program = Start([$"http://{taken.LocalEndpoint}"]);

        Assert.Equal(1, await program.WaitAsync());
        Assert.StartsWith($"The sandbox cannot listen at http://{taken.LocalEndpoint}: ", program.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("deployed", "http://127.0.0.1:0")]
    [InlineData("deployed", "http://*:0", "--ledger", "deployed")]
    [InlineData("deployed", "http://[::1]:0")]
    [InlineData("declared", "--ledger", "declared", "http://127.0.0.1:0/")]
    public async Task It_listens_and_answers_as_it_was_told(string form, params string[] arguments)
    {
        using var program = Start(arguments);
        var url = (await program.UntilPrintedAsync(Ledger())).Groups[1].Value.Replace("[::]", "127.0.0.1", StringComparison.Ordinal);

        using var http = new HttpClient();
        Assert.Contains($"\"form\": \"{form}\"", await http.GetStringAsync(new Uri(url)), StringComparison.Ordinal);

        program.Terminate();
        Assert.Equal(0, await program.WaitAsync());
    }

    private static ChildProcess Start(string[] arguments) => ChildProcess.Start(
        "dotnet", [Path.Combine(Repository.BuildOutput("src/Sandbox"), "PayoutManager.Sandbox.dll"), .. arguments]);

    [GeneratedRegex(@"(http://\S+ledger)$", RegexOptions.Multiline)]
    private static partial Regex Ledger();
}
