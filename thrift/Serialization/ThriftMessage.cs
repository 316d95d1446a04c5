using Thrift;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Thrift.Transport.Client;

namespace PayoutManager.Thrift.Serialization;

/// <summary>A call or a reply: an envelope with a method's name, around a struct of its arguments or its result.</summary>
public sealed class ThriftMessage
{
    private readonly StrictBinaryProtocol _protocol;

    private ThriftMessage(TMessage envelope, StrictBinaryProtocol protocol)
    {
        Envelope = envelope;
        _protocol = protocol;
    }

    /// <summary>Method name, kind of message and sequence number.</summary>
    public TMessage Envelope { get; }

    /// <summary>Reads the envelope of a message.</summary>
    /// <exception cref="ThriftFormatException">The bytes do not begin with one.</exception>
    public static ThriftMessage Open(byte[] bytes)
    {
        if (bytes.Length == 0)
            throw new ThriftFormatException("the body is empty");
        var protocol = ThriftBinary.Reader(bytes);
        var envelope = default(TMessage);
        ThriftBinary.Read(async () => envelope = await protocol.ReadMessageBeginAsync(CancellationToken.None), "the message envelope");
        return new ThriftMessage(envelope, protocol);
    }

    /// <summary>Reads what the envelope is around. Can be done once.</summary>
    /// <exception cref="ThriftFormatException">It is not such a struct, or bytes follow it.</exception>
    public T ReadBody<T>()
        where T : TBase, new() => ThriftBinary.ReadToEnd<T>(_protocol);

    /// <summary>Reads the exception that stands in place of a result.</summary>
    /// <exception cref="ThriftFormatException">There is none.</exception>
    public TApplicationException ReadException()
    {
        TApplicationException? exception = null;
        ThriftBinary.Read(
            async () => exception = await TApplicationException.ReadAsync(_protocol, CancellationToken.None),
            nameof(TApplicationException));
        return exception!;
    }

    /// <summary>The bytes of a whole message.</summary>
    public static byte[] Serialize(TMessage envelope, TBase body)
    {
        using var buffer = new TMemoryBufferTransport(new TConfiguration()) { Length = 0 };
        using var protocol = new StrictBinaryProtocol(buffer);
        ThriftBinary.Finish(protocol.WriteMessageBeginAsync(envelope, CancellationToken.None));
        ThriftBinary.Finish(body.WriteAsync(protocol, CancellationToken.None));
        return buffer.GetBuffer();
    }
}
