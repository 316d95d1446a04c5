using System.Globalization;
using Microsoft.Extensions.Logging.Console;

namespace PayoutManager.Host.Configuration;

/// <summary>
/// Checks the keys of .NET's logging, which it reads by itself, later: what it does not understand it leaves out, or ends the start with a
/// stack.
/// </summary>
internal static class LogSettings
{
    private const string Console = "Logging:Console";
    private const string Formatter = $"{Console}:FormatterOptions";

    public static void Check(SettingsReader read)
    {
        CheckLevels(read, "Logging:LogLevel");
        foreach (var provider in (string[])["Console", "Debug", "EventSource", "EventLog"])
            CheckLevels(read, $"Logging:{provider}:LogLevel");

        read.Word($"{Console}:FormatterName", ConsoleFormatterNames.Json, ConsoleFormatterNames.Simple, ConsoleFormatterNames.Systemd);
        read.Choice($"{Console}:LogToStandardErrorThreshold", LogLevel.None);
        read.Choice($"{Console}:QueueFullMode", ConsoleLoggerQueueFullMode.Wait);
        read.Number($"{Console}:MaxQueueLength", 1, least: 1, most: int.MaxValue);
        foreach (var flag in (string[])["IncludeScopes", "UseUtcTimestamp", "SingleLine"])
            read.Flag($"{Formatter}:{flag}", byDefault: false);
        read.Choice($"{Formatter}:ColorBehavior", LoggerColorBehavior.Default);
        read.Flag($"{Formatter}:JsonWriterOptions:Indented", byDefault: false);
        CheckTimestamp(read, $"{Formatter}:TimestampFormat");
    }

    private static void CheckLevels(SettingsReader read, string section)
    {
        foreach (var category in read.Children(section))
            read.Choice(category, LogLevel.None);
    }

    private static void CheckTimestamp(SettingsReader read, string key)
    {
        if (read.Text(key) is not { } format)
            return;
        try
        {
            _ = DateTimeOffset.UnixEpoch.ToString(format, CultureInfo.InvariantCulture);
        }
        catch (FormatException)
        {
            read.Reject(key, $"must be a format of .NET's for dates, is '{format}'");
        }
    }
}
