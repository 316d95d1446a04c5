using System.Diagnostics;
using System.Globalization;

namespace PayoutManager.Testing;

/// <summary>A PostgreSQL of the test's own from the installed server's binaries, which can be killed and started again.</summary>
public sealed class InstalledPostgres
{
    private readonly string _binaries;
    private readonly string _home;
    private readonly int _port = Ports.Free();

    private readonly string _settings;

    private InstalledPostgres(string binaries, string settings)
    {
        _binaries = binaries;
        _settings = settings;
        _home = Directory.CreateTempSubdirectory("payouts-postgres-").FullName;
        if (IsRoot)
            Run("chown", "postgres", _home);
    }

    /// <summary>Its first database, as the superuser.</summary>
    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres";

    private static bool IsRoot => Environment.UserName == "root";

    private string Data => Path.Combine(_home, "data");

    /// <summary>Where its programs are, such as <c>pgbench</c>.</summary>
    public string Binaries => _binaries;

    /// <summary>The number of the process that all others of the server are children of.</summary>
    public int ProcessId => int.Parse(File.ReadLines(LockFile).First(), CultureInfo.InvariantCulture);

    private string LockFile => Path.Combine(Data, "postmaster.pid");

    /// <summary>Makes and starts one; it is gone when this process is.</summary>
    /// <param name="settings">The server's settings, as options of its command line.</param>
    /// <exception cref="InvalidOperationException">No server is installed; the message says what to do.</exception>
    public static async Task<InstalledPostgres> StartAsync(string settings = "-c fsync=off")
    {
        var binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Order().LastOrDefault()
            : null;
        if (binaries is null || !File.Exists(Path.Combine(binaries, "initdb")))
        {
            throw new InvalidOperationException(
                "No PostgreSQL server is installed that tests could start: install one (Debian: apt-get install postgresql).");
        }

        var server = new InstalledPostgres(binaries, settings);
        server.RunAsPostgres("initdb", "-D", server.Data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C");
        await server.StartFirstAsync();
        return server;
    }

    /// <summary>Makes and starts a standby of this server, to which all changes are streamed.</summary>
    public async Task<InstalledPostgres> StartStandbyAsync()
    {
        var standby = new InstalledPostgres(_binaries, _settings);
        standby.RunAsPostgres(
            "pg_basebackup", "-h", "127.0.0.1", "-p", $"{_port}", "-U", "postgres", "-D", standby.Data, "-R", "-X", "stream", "-c", "fast", "--no-sync");
        await standby.StartFirstAsync();
        return standby;
    }

    /// <summary>Makes a standby a server of its own.</summary>
    public Task PromoteAsync() => Task.Run(() => RunAsPostgres("pg_ctl", "-D", Data, "-w", "promote"));

    /// <summary>Where it listens, as a connection string lists hosts.</summary>
    public string Address => $"127.0.0.1:{_port}";

    /// <summary>SIGKILL for all of the server's processes, as when a machine fails: every connection breaks.</summary>
    public void Kill()
    {
        var postmaster = ProcessId;
        // Stopped first, so that it has no more children than those that are killed with it.
        Run("kill", "-STOP", $"{postmaster}");
        Run("sh", "-c", $"kill -KILL {postmaster} $(pgrep -P {postmaster})");
        // Where nobody collects the dead, the server would take its predecessor for alive.
        File.Delete(LockFile);
    }

    /// <summary>SIGSTOP for all of the server's processes: connections stay, and nothing is answered.</summary>
    public void Freeze() => Signal("STOP");

    /// <summary>Ends a freeze.</summary>
    public void Thaw() => Signal("CONT");

    /// <summary>Starts the server; after a kill it recovers what was committed.</summary>
    public Task StartAgainAsync() => Task.Run(() => RunAsPostgres(
        "pg_ctl", "-D", Data, "-l", Path.Combine(_home, "log"), "-w", "-o",
        $"-p {_port} -c unix_socket_directories='' -c listen_addresses=127.0.0.1 -c max_connections=300 {_settings}", "start"));

    private async Task StartFirstAsync()
    {
        await StartAgainAsync();
        StopWithThisProcess();
    }

    /// <summary>Stops the server as an administrator does, every session with it, and starts it again.</summary>
    public async Task RestartAsync()
    {
        await Task.Run(() => RunAsPostgres("pg_ctl", "-D", Data, "-w", "-m", "fast", "stop"));
        await StartAgainAsync();
    }

    /// <summary>Leaves nothing behind, however this process ends: test hosts are killed soon after their last test.</summary>
    private void StopWithThisProcess()
    {
        var asPostgres = IsRoot ? "runuser -u postgres -- " : "";
        Run(
            "setsid", "--fork", "/bin/sh", "-c",
            $"while kill -0 {Environment.ProcessId}; do sleep 1; done; {asPostgres}{_binaries}/pg_ctl -D {Data} -m immediate stop; rm -rf {_home}");
    }

    private void Signal(string name)
    {
        var postmaster = ProcessId;
        Run("sh", "-c", $"kill -{name} {postmaster} $(pgrep -P {postmaster})");
    }

    /// <summary>The server refuses to run as root.</summary>
    private void RunAsPostgres(string program, params string[] arguments)
    {
        program = Path.Combine(_binaries, program);
        if (IsRoot)
            Run("runuser", ["-u", "postgres", "--", program, .. arguments]);
        else
            Run(program, arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        // Output goes nowhere: a server that inherits a pipe would keep its reader waiting.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = "/" };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("exec \"$@\" >/dev/null 2>&1 </dev/null");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
