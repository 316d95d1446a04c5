using System.Security.Cryptography.X509Certificates;

namespace PayoutManager.Host.Security;

/// <summary>Who may call what: each caller by the subject of its certificate. Without a list everybody may call everything.</summary>
internal sealed class CallerPolicy(IReadOnlyList<Caller> callers)
{
    /// <summary>Why a caller may not make a call; null if it may.</summary>
    /// <param name="certificate">What the caller has shown; null where it was not asked.</param>
    /// <param name="method">The method's name.</param>
    public string? Refuse(X509Certificate2? certificate, string method)
    {
        if (callers.Count == 0)
            return null;
        if (certificate is null)
            return "a client certificate is needed";
        return callers.Any(caller => caller.Is(certificate) && caller.Methods.Contains(method))
            ? null
            : $"{certificate.Subject} may not call {method}";
    }
}

/// <summary>A caller, and what it may call.</summary>
/// <param name="Subject">The distinguished name in its certificate.</param>
/// <param name="Methods">The methods' names.</param>
internal sealed record Caller(X500DistinguishedName Subject, IReadOnlySet<string> Methods)
{
    public bool Is(X509Certificate2 certificate) => certificate.SubjectName.Name == Subject.Name;
}
