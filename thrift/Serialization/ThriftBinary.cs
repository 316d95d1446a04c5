using Thrift;
using Thrift.Protocol;
using Thrift.Transport;
using Thrift.Transport.Client;

namespace PayoutManager.Thrift.Serialization;

/// <summary>
/// Structs to and from bytes in Thrift's strict binary protocol, without an envelope: the form that records of the topic
/// have.
/// </summary>
public static class ThriftBinary
{
    /// <summary>How deep structs and containers may nest on reading.</summary>
    public const int MaxNesting = 64;

    private const int TypicalSize = 1024;

    /// <summary>The bytes of a struct.</summary>
    public static byte[] Serialize(TBase value)
    {
        using var buffer = new TMemoryBufferTransport(new TConfiguration(), TypicalSize) { Length = 0 };
        using var protocol = new StrictBinaryProtocol(buffer);
        Finish(value.WriteAsync(protocol, CancellationToken.None));
        return buffer.GetBuffer();
    }

    /// <summary>The struct that bytes stand for.</summary>
    /// <exception cref="ThriftFormatException">They do not, or go on after it.</exception>
    public static T Deserialize<T>(byte[] bytes)
        where T : TBase, new()
    {
        using var protocol = Reader(bytes);
        return ReadToEnd<T>(protocol);
    }

    internal static StrictBinaryProtocol Reader(byte[] bytes) =>
        new(new TMemoryBufferTransport(bytes, new TConfiguration
        {
            RecursionLimit = MaxNesting,
            MaxMessageSize = Math.Max(bytes.Length, 1),
        }));

    internal static T ReadToEnd<T>(StrictBinaryProtocol protocol)
        where T : TBase, new()
    {
        var value = new T();
        Read(() => value.ReadAsync(protocol, CancellationToken.None), typeof(T).Name);
        if (protocol.BytesLeft > 0)
            throw new ThriftFormatException($"{protocol.BytesLeft} bytes follow {typeof(T).Name}");
        return value;
    }

    internal static void Read(Func<Task> read, string what)
    {
        try
        {
            Finish(read());
        }
        catch (TException e)
        {
            throw new ThriftFormatException($"{what}: {Describe(e)}", e);
        }
    }

    /// <summary>Everything is in memory, so a task is done when it is returned.</summary>
    internal static void Finish(Task task) => task.GetAwaiter().GetResult();

    private static string Describe(TException e) => e switch
    {
        TTransportException => "ends too early",
        // The generated readers give no message where a required field is missing.
        _ when e.Message.StartsWith("Exception of type", StringComparison.Ordinal) =>
            "a required field is missing, or a union has none or several",
        _ => e.Message,
    };
}
