using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Crashes.Faults;

/// <summary>A disk of the test's own that can be filled to the last byte.</summary>
internal sealed class SmallDisk : IDisposable
{
    private const int Megabytes = 64;

    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    /// <summary>Where a server can keep its tables.</summary>
    public string Tables => Path.Combine(_folder, "tables");

    private string Filler => Path.Combine(_folder, "filler");

    /// <summary>Mounts one; null where this user may not.</summary>
    public static SmallDisk? TryMount()
    {
        var folder = Directory.CreateTempSubdirectory("payouts-disk-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={Megabytes}m,mode=0755", "tmpfs", folder) != 0)
        {
            Directory.Delete(folder);
            return null;
        }

        // However this process ends.
        Run("setsid", "--fork", "/bin/sh", "-c", $"while kill -0 {Environment.ProcessId}; do sleep 1; done; umount --lazy {folder}; rmdir {folder}");
        var disk = new SmallDisk(folder);
        Directory.CreateDirectory(disk.Tables);
        Run("chown", "postgres", disk.Tables);
        return disk;
    }

    public void Fill()
    {
        var megabyte = new byte[1 << 20];
        using var filler = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in (int[])[megabyte.Length, 4096])
        {
            try
            {
                while (true)
                    filler.Write(megabyte, 0, size);
            }
            catch (IOException)
            {
                // No more of this size fits.
            }
        }
    }

    public void Free() => File.Delete(Filler);

    public void Dispose() => Run("umount", "--lazy", _folder);

    private static int Run(string program, params string[] arguments)
    {
        using var child = ChildProcess.Start("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "sh", program, .. arguments]);
        return child.WaitAsync().GetAwaiter().GetResult();
    }
}
