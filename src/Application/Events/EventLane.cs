using System.Security.Cryptography;
using System.Text;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Events;

/// <summary>The lanes of the outbox. All events of a payout are in the same one, and each lane has one sender at a time.</summary>
public static class EventLane
{
    /// <summary>How many there are. Rows of the outbox keep their lane, so this and the hash stay as they are.</summary>
    public const int Count = 16;

    /// <summary>A payout's lane: the first byte of its id's SHA-256, modulo 16. It can be computed in SQL, too.</summary>
    public static int Of(PayoutId payoutId)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(payoutId.Value), hash);
        return hash[0] % Count;
    }
}
