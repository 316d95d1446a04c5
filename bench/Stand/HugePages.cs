using System.Globalization;

namespace PayoutManager.Bench.Stand;

/// <summary>
/// Huge pages for PostgreSQL's buffers, which its manual asks for where those are large. Without them each backend pays for every
/// 4 KiB of the buffers that it sees for the first time, in a virtual machine more than for reading a row.
/// </summary>
internal sealed class HugePages : IDisposable
{
    private const string Setting = "/proc/sys/vm/nr_hugepages";
    private const long PageSize = 2 << 20;

    private readonly string _before = File.ReadAllText(Setting);

    /// <summary>Asks the kernel for them until this is disposed of. What it does not give, PostgreSQL does without.</summary>
    public HugePages(long bytes)
    {
        var count = (bytes / PageSize).ToString(CultureInfo.InvariantCulture);
        if (!TrySet(count))
            Console.WriteLine($"   calls on large tables cost more without {count} huge pages: sysctl vm.nr_hugepages={count}, as root, soon after the machine's start");
    }

    public void Dispose() => TrySet(_before);

    /// <summary>The kernel takes any number, and gives as many as it can.</summary>
    private static bool TrySet(string count)
    {
        try
        {
            File.WriteAllText(Setting, count);
            return File.ReadAllText(Setting).Trim() == count.Trim();
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
