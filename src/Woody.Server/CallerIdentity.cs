using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PayoutManager.Woody.Server;

/// <summary>Who makes a call.</summary>
internal static class CallerIdentity
{
    private const string UserIdentity = WoodyHeaders.MetaPrefix + "user-identity.";
    private const int Longest = 512;

    private static readonly string[] Parts = ["id", "username", "email", "realm"];

    /// <summary>
    /// The certificate's subject where there is one, which somebody vouches for; else what the metadata says of the user, such as
    /// <c>id=42 username=ivan realm=internal</c>; else null.
    /// </summary>
    public static string? Of(X509Certificate2? certificate, IReadOnlyList<KeyValuePair<string, string>> meta)
    {
        // By whole characters, of which unpaired surrogates become one that can be stored and sent.
        return (certificate?.Subject ?? Describe(meta)) is { } identity
            ? string.Concat(identity.EnumerateRunes().Where(rune => !Rune.IsControl(rune)).Take(Longest))
            : null;
    }

    private static string? Describe(IReadOnlyList<KeyValuePair<string, string>> meta)
    {
        if (meta.Count == 0)
            return null;
        var known = Parts
            .Select(part => (Part: part, meta.FirstOrDefault(m => string.Equals(m.Key, UserIdentity + part, StringComparison.OrdinalIgnoreCase)).Value))
            .Where(identity => !string.IsNullOrWhiteSpace(identity.Value))
            .Select(identity => $"{identity.Part}={identity.Value}")
            .ToList();
        return known.Count == 0 ? null : string.Join(' ', known);
    }
}
