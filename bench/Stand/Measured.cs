using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using PayoutManager.Testing;

namespace PayoutManager.Bench.Stand;

/// <summary>A process under measurement.</summary>
internal sealed class Measured : IDisposable
{
    private const double TicksPerSecond = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly ChildProcess? _process;
    private readonly int _root;

    private Measured(int root, ChildProcess? process, TimeSpan startedIn)
    {
        _root = root;
        _process = process;
        StartedIn = startedIn;
    }

    /// <summary>From the process' start until it was ready.</summary>
    public TimeSpan StartedIn { get; }

    public string Output => _process?.Output ?? "";

    /// <summary>A process that is there already, with the processes that it has made.</summary>
    public static Measured Existing(int id) => new(id, null, TimeSpan.Zero);

    /// <summary>Starts a program, and waits until it is ready.</summary>
    /// <param name="program">The program's file below this one's folder.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Its variables.</param>
    /// <param name="ready">What it prints then; null if it is asked over HTTP.</param>
    /// <param name="readyUrl">Where it answers 200 then.</param>
    public static async Task<Measured> StartAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        Regex? ready = null,
        Uri? readyUrl = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        var process = ChildProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, program), .. arguments], environment);
        if (ready is not null)
            await process.UntilPrintedAsync(ready);
        if (readyUrl is not null)
            await UntilAnsweredAsync(process, readyUrl);
        return new Measured(process.Id, process, TimeProvider.System.GetElapsedTime(began));
    }

    /// <summary>CPU that the process, and all that it has made, has taken so far.</summary>
    public TimeSpan Cpu => TimeSpan.FromSeconds(CpuTicks(_root) / TicksPerSecond);

    /// <summary>Resident memory in bytes.</summary>
    public long Memory => long.Parse(
        File.ReadLines($"/proc/{_root}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        CultureInfo.InvariantCulture) << 10;

    public void Dispose() => _process?.Dispose();

    private static async Task UntilAnsweredAsync(ChildProcess process, Uri url)
    {
        while (!await IsListeningAsync(url))
        {
            if (process.HasExited)
                throw new InvalidOperationException(process.Output);
            await Task.Delay(Pause, TimeProvider.System);
        }

        using var http = new HttpClient();
        while (!(await http.GetAsync(url)).IsSuccessStatusCode)
            await Task.Delay(Pause, TimeProvider.System);
    }

    /// <summary>Without an exception where it is not: hundreds of them take a core from the program that is starting.</summary>
    private static async Task<bool> IsListeningAsync(Uri url)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var attempt = new SocketAsyncEventArgs { RemoteEndPoint = new IPEndPoint(IPAddress.Parse(url.Host), url.Port) };
        var ended = new TaskCompletionSource();
        attempt.Completed += (_, _) => ended.SetResult();
        if (socket.ConnectAsync(attempt))
            await ended.Task;
        return attempt.SocketError == SocketError.Success;
    }

    /// <summary>Of the process itself, of its children that have ended, and of those that live.</summary>
    private static long CpuTicks(int id)
    {
        string[] fields;
        try
        {
            // The second field is a name in brackets that may hold anything.
            fields = File.ReadAllText($"/proc/{id}/stat") is var stat ? stat[(stat.LastIndexOf(')') + 2)..].Split(' ') : [];
        }
        catch (IOException)
        {
            return 0;
        }

        var own = fields[11..15].Sum(ticks => long.Parse(ticks, CultureInfo.InvariantCulture));
        return own + File.ReadAllText($"/proc/{id}/task/{id}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Sum(child => CpuTicks(int.Parse(child, CultureInfo.InvariantCulture)));
    }
}
