namespace PayoutManager.Host.Hosting;

/// <summary>What the log says of a host's life.</summary>
internal static partial class HostLog
{
    [LoggerMessage(100, LogLevel.Critical, "The host stops: {Reason}")]
    public static partial void Fails(ILogger logger, string reason);

    [LoggerMessage(101, LogLevel.Warning, "Calls that have not finished within {Drain} are ended; their operations go on by themselves")]
    public static partial void EndsCalls(ILogger logger, TimeSpan drain);

    [LoggerMessage(102, LogLevel.Information, "PayoutManager {Version} starts, environment {Environment}, process {ProcessId}")]
    public static partial void Starts(ILogger logger, string version, string environment, int processId);

    [LoggerMessage(103, LogLevel.Information, "Uses {Storage}, topic {Topic} of {BootstrapServers}, PartyManagement at {PartyManagement}, Shumway at {Shumway}")]
    public static partial void Uses(ILogger logger, string storage, string topic, string bootstrapServers, Uri partyManagement, Uri shumway);

    [LoggerMessage(104, LogLevel.Information, "Listens at {Thrift} for calls and at {Management} for operators")]
    public static partial void Listens(ILogger logger, string thrift, string management);

    [LoggerMessage(105, LogLevel.Information, "The host is ready")]
    public static partial void Ready(ILogger logger);

    [LoggerMessage(106, LogLevel.Warning, "The host is {Status}: {Faults}")]
    public static partial void NotReady(ILogger logger, string status, string faults);

    [LoggerMessage(107, LogLevel.Information, "The host stops: {Signal}")]
    public static partial void Stopping(ILogger logger, string signal);

    [LoggerMessage(108, LogLevel.Warning, "The host stops without having been told to")]
    public static partial void StopsByItself(ILogger logger);

    [LoggerMessage(109, LogLevel.Information, "The host has stopped after {Calls} calls in {Uptime:c}")]
    public static partial void Stopped(ILogger logger, long calls, TimeSpan uptime);
}
