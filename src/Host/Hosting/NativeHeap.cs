using System.Runtime.InteropServices;
using PayoutManager.Application.Background;

namespace PayoutManager.Host.Hosting;

/// <summary>
/// Keeps the C library's heap small, where that is glibc. Compiling what calls use takes and frees much more than the code needs, most
/// of it in the first minute; by default each thread does that on a heap of its own, and what is freed is kept for good.
/// </summary>
internal static class NativeHeap
{
    // M_ARENA_MAX of malloc.h.
    private const int MostHeaps = -8;

    private static readonly GiveBackFreed? Trim = Find<GiveBackFreed>("malloc_trim");

    // What stays at the heap's end, in bytes.
    private delegate int GiveBackFreed(nuint padding);

    private delegate int SetOption(int option, int value);

    /// <summary>Whether freed memory can be given back.</summary>
    public static bool IsKnown => Trim is not null;

    /// <summary>Lets threads that are still to come share the heaps that there are; for the process' start.</summary>
    public static void Share() => Find<SetOption>("mallopt")?.Invoke(MostHeaps, 1);

    /// <summary>Gives freed memory back to the system.</summary>
    public static void GiveBack() => Trim?.Invoke(0);

    private static T? Find<T>(string function)
        where T : Delegate =>
        NativeLibrary.TryLoad("libc.so.6", out var library) && NativeLibrary.TryGetExport(library, function, out var address)
            ? Marshal.GetDelegateForFunctionPointer<T>(address)
            : null;
}

/// <summary>Gives freed memory back for as long as the host runs.</summary>
internal sealed class NativeHeapWorker(BackgroundLoops loops) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => NativeHeap.IsKnown
        ? loops.RunAsync(
            "heap",
            _ =>
            {
                NativeHeap.GiveBack();
                return Task.FromResult(Pause);
            },
            stoppingToken)
        : Task.CompletedTask;
}
