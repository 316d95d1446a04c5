using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PayoutManager.Application.Audit;

/// <summary>Stands for a payload where only its sameness matters: the first half of its SHA-256.</summary>
public readonly record struct PayloadDigest(UInt128 Value)
{
    /// <summary>The digest of a payload.</summary>
    public static PayloadDigest Of(ReadOnlySpan<byte> payload)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(payload, hash);
        return new PayloadDigest(BinaryPrimitives.ReadUInt128BigEndian(hash));
    }
}
