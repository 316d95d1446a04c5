using System.Text;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Thrift.Transport.Client;

namespace PayoutManager.Thrift.Serialization;

/// <summary>
/// Thrift's strict binary protocol over bytes in memory, for readers that do not trust the writer: no claimed size is
/// believed beyond what is left, and text must be UTF-8. The base class lets a claimed container of structs take any
/// size, reads a negative string size as empty and replaces broken UTF-8, by which two different ids could become one.
/// </summary>
internal sealed class StrictBinaryProtocol(TMemoryBufferTransport buffer) : TBinaryProtocol(buffer, strictRead: true, strictWrite: true)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public int BytesLeft => buffer.Length - buffer.Position;

    public override async ValueTask<string> ReadStringAsync(CancellationToken cancellationToken)
    {
        var bytes = await ReadBinaryAsync(cancellationToken);
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Invalid("a string is not UTF-8");
        }
    }

    public override async ValueTask<byte[]> ReadBinaryAsync(CancellationToken cancellationToken)
    {
        var size = await ReadI32Async(cancellationToken);
        Require(size, leastBytes: 1, "a string");
        if (size == 0)
            return [];
        var bytes = new byte[size];
        await Trans.ReadAllAsync(bytes, 0, size, cancellationToken);
        return bytes;
    }

    public override async ValueTask<TList> ReadListBeginAsync(CancellationToken cancellationToken)
    {
        var elementType = await ReadTypeAsync(cancellationToken);
        var list = new TList(elementType, await ReadI32Async(cancellationToken));
        Require(list.Count, LeastBytes(elementType, list.Count), "a list");
        return list;
    }

    public override async ValueTask<TSet> ReadSetBeginAsync(CancellationToken cancellationToken)
    {
        var elementType = await ReadTypeAsync(cancellationToken);
        var set = new TSet(elementType, await ReadI32Async(cancellationToken));
        Require(set.Count, LeastBytes(elementType, set.Count), "a set");
        return set;
    }

    public override async ValueTask<TMap> ReadMapBeginAsync(CancellationToken cancellationToken)
    {
        var keyType = await ReadTypeAsync(cancellationToken);
        var valueType = await ReadTypeAsync(cancellationToken);
        var map = new TMap(keyType, valueType, await ReadI32Async(cancellationToken));
        Require(map.Count, LeastBytes(keyType, map.Count) + LeastBytes(valueType, map.Count), "a map");
        return map;
    }

    private async ValueTask<TType> ReadTypeAsync(CancellationToken cancellationToken) =>
        unchecked((TType)(byte)await ReadByteAsync(cancellationToken));

    private void Require(int count, int leastBytes, string what)
    {
        if (count < 0)
            throw new TProtocolException(TProtocolException.NEGATIVE_SIZE, $"{what} claims the size {count}");
        if (count > BytesLeft / leastBytes)
            throw new TProtocolException(TProtocolException.SIZE_LIMIT, $"{what} claims the size {count}, {BytesLeft} bytes are left");
    }

    /// <summary>The fewest bytes that a value of a type takes. An empty struct is a stop byte.</summary>
    private static int LeastBytes(TType type, int count) => type switch
    {
        TType.Bool or TType.Byte or TType.Struct => 1,
        TType.I16 => 2,
        TType.I32 or TType.String => 4,
        TType.List or TType.Set => 5,
        TType.Map => 6,
        TType.I64 or TType.Double => 8,
        TType.Uuid => 16,
        // Some writers leave the types of an empty container at zero.
        _ => count == 0 ? 1 : throw Invalid($"there is no type {(int)type}"),
    };

    private static TProtocolException Invalid(string message) => new(TProtocolException.INVALID_DATA, message);
}
