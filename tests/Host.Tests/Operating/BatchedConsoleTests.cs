using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Host.Telemetry;

namespace PayoutManager.Host.Tests.Operating;

public sealed class BatchedConsoleTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(50);

    private readonly FakeTimeProvider _clock = new();
    private readonly Output _output = new();

    [Fact]
    public void Lines_of_a_moment_are_written_together_as_microsofts_console_writes_them()
    {
        using var factory = Log();
        var logger = factory.CreateLogger("a.category");

        logger.LogInformation(7, "{Count} of {Name}", 3, "it");
        logger.LogInformation(8, "and more");
        _clock.Advance(Moment - TimeSpan.FromTicks(1));
        Assert.Equal("", _output.Text);

        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(
            """
            {"EventId":7,"LogLevel":"Information","Category":"a.category","Message":"3 of it","State":{"Count":3,"Name":"it","{OriginalFormat}":"{Count} of {Name}"}}
            {"EventId":8,"LogLevel":"Information","Category":"a.category","Message":"and more","State":{"{OriginalFormat}":"and more"}}

            """,
            _output.Text);
        Assert.Equal(1, _output.Writes);

        logger.LogInformation("the next moment");
        _clock.Advance(Moment);
        Assert.Equal((3, 2), (_output.Lines.Length, _output.Writes));
    }

    [Theory]
    [InlineData(LogLevel.Warning)]
    [InlineData(LogLevel.Critical)]
    public void What_goes_wrong_is_written_at_once_after_what_came_before(LogLevel level)
    {
        using var factory = Log();
        var logger = factory.CreateLogger("c");

        logger.LogInformation("before");
        logger.Log(level, new InvalidOperationException("the cause"), "went wrong");

        Assert.Equal(["before", "went wrong"], _output.Messages);
        Assert.Contains("the cause", _output.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_lines_are_written_when_the_host_ends()
    {
        using (var factory = Log())
            factory.CreateLogger("c").LogInformation("the last");

        Assert.Equal(["the last"], _output.Messages);
    }

    [Fact]
    public void More_than_fits_is_written_before_the_moment_is_over()
    {
        using var factory = Log();
        var logger = factory.CreateLogger("c");

        for (var i = 0; i < 1000; i++)
            logger.LogInformation("{Number}", i);

        Assert.InRange(_output.Writes, 2, 10);
        _clock.Advance(Moment);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"{i}"), _output.Messages);
    }

    [Fact]
    public async Task Lines_of_many_callers_stay_whole_and_each_callers_in_order()
    {
        using var factory = Log();
        var logger = factory.CreateLogger("c");

        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
                logger.LogInformation("{Caller}:{Number}", caller, i);
        })));
        _clock.Advance(Moment);

        var messages = _output.Messages.Select(m => m.Split(':')).ToLookup(m => m[0], m => m[1]);
        Assert.Equal(8, messages.Count);
        Assert.All(messages, caller => Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), caller));
    }

    [Fact]
    public void Output_that_cannot_be_written_takes_its_lines_and_no_call()
    {
        using var factory = Log();
        var logger = factory.CreateLogger("c");

        _output.IsBroken = true;
        logger.LogError("lost");
        logger.LogInformation("lost too");
        _clock.Advance(Moment);
        _output.IsBroken = false;
        logger.LogError("kept");

        Assert.Equal(["kept"], _output.Messages);
    }

    [Fact]
    public void A_line_of_any_length_and_script_is_written_whole()
    {
        using var factory = Log(ConsoleFormatterNames.Systemd);
        var text = string.Concat(Enumerable.Repeat("a😀", 20_001));

        factory.CreateLogger("c").LogWarning("{Text}", text);
        factory.CreateLogger("c").LogWarning("short");

        Assert.Equal([$"<4>c[0] {text}", "<4>c[0] short"], _output.Lines);
    }

    [Fact]
    public void A_formatter_of_no_known_name_is_the_simple_one_and_scopes_are_written_where_asked_for()
    {
        using var factory = Log("no such", formatter => formatter.IncludeScopes = true);
        var logger = factory.CreateLogger("c");

        using (logger.BeginScope("a scope"))
            logger.LogWarning("inside");

        Assert.Equal(["warn: c[0]", "      => a scope", "      inside"], _output.Lines);
    }

    private LoggerFactory Log(string formatter = ConsoleFormatterNames.Json, Action<ConsoleFormatterOptions>? configure = null)
    {
        var services = new ServiceCollection()
            .AddLogging(logging => logging.AddConsole())
            .Configure<SimpleConsoleFormatterOptions>(o => configure?.Invoke(o))
            .BuildServiceProvider();
        var factory = new LoggerFactory();
        factory.AddProvider(new BatchedConsole(
            services.GetServices<ConsoleFormatter>(), new ConsoleLoggerOptions { FormatterName = formatter }, _clock, _output));
        return factory;
    }

    /// <summary>Keeps what is written, where it can be written.</summary>
    private sealed class Output : MemoryStream
    {
        public bool IsBroken { get; set; }

        public int Writes { get; private set; }

        public string Text => Encoding.UTF8.GetString(ToArray());

        public string[] Lines => Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        public IEnumerable<string> Messages => Lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("Message").GetString()!);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (IsBroken)
                throw new IOException("No space left on device");
            if (buffer.IsEmpty)
                return;
            Writes++;
            base.Write(buffer);
        }
    }
}
