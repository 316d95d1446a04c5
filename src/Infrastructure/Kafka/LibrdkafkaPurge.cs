using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace PayoutManager.Infrastructure.Kafka;

/// <summary>
/// librdkafka's <c>rd_kafka_purge</c>, for which Confluent.Kafka has no method: it ends all that is queued or in flight, each message
/// with a report.
/// </summary>
/// <remarks>
/// Confluent.Kafka pins a delegate for each message until its report comes. A producer that is disposed of before never gives those
/// reports, and keeps 5 MiB for ever with 5,000 messages on their way.
/// </remarks>
internal static class LibrdkafkaPurge
{
    private const int Queued = 1;
    private const int InFlight = 2;

    // The one that Confluent.Kafka has loaded; which of several builds that is depends on the system.
    private static readonly Lazy<PurgeFunction> Function = new(() =>
    {
        var loaded = Process.GetCurrentProcess().Modules
            .Cast<ProcessModule>()
            .First(module => module.ModuleName.Contains("librdkafka", StringComparison.Ordinal));
        return Marshal.GetDelegateForFunctionPointer<PurgeFunction>(
            NativeLibrary.GetExport(NativeLibrary.Load(loaded.FileName), "rd_kafka_purge"));
    });

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate ErrorCode PurgeFunction(nint producer, int what);

    /// <summary>Ends all that is on its way. What has left already may still arrive.</summary>
    public static void Purge(Handle producer)
    {
        var handle = (SafeHandle)GetHandle(producer);
        var isHeld = false;
        try
        {
            handle.DangerousAddRef(ref isHeld);
            var error = Function.Value(handle.DangerousGetHandle(), Queued | InFlight);
            if (error != ErrorCode.NoError)
                throw new KafkaException(error);
        }
        finally
        {
            if (isHeld)
                handle.DangerousRelease();
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_LibrdkafkaHandle")]
    [return: UnsafeAccessorType("Confluent.Kafka.Impl.SafeKafkaHandle, Confluent.Kafka")]
    private static extern object GetHandle(Handle producer);
}
