using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PayoutManager.Host.Security;
using PayoutManager.Host.Thrift;

namespace PayoutManager.Host.Configuration;

/// <summary>Reads who may call what: <c>Thrift:Callers:(any name):Subject</c> and <c>:Methods</c>.</summary>
internal static class CallerSettings
{
    private const string Section = "Thrift:Callers";
    private const string All = "*";

    public static IReadOnlyList<Caller> Read(SettingsReader read)
    {
        var callers = new List<Caller>();
        foreach (var key in read.Children(Section))
        {
            var subject = SubjectOf(read, $"{key}:Subject");
            var methods = MethodsOf(read, $"{key}:Methods");
            if (subject is not null)
                callers.Add(new Caller(subject, methods));
        }

        if (callers.Count > 0 && read.Text("Thrift:ClientAuthority") is null)
            read.Reject(Section, "needs Thrift:ClientAuthority, by which callers' certificates are known");
        return callers;
    }

    private static X500DistinguishedName? SubjectOf(SettingsReader read, string key)
    {
        if (read.Text(key, required: true) is not { } text)
            return null;
        try
        {
            // Decoded again, so that its text is written as that of a certificate is.
            return new X500DistinguishedName(new X500DistinguishedName(text).RawData);
        }
        catch (CryptographicException)
        {
            read.Reject(key, $"must be a distinguished name such as 'CN=reports, O=Example', is '{text}'");
            return null;
        }
    }

    private static HashSet<string> MethodsOf(SettingsReader read, string key)
    {
        if (read.Text(key, required: true) is not { } text)
            return [];
        if (text.Trim() == All)
            return [.. PayoutManagementService.Methods];
        var methods = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet();
        if (!methods.IsSubsetOf(PayoutManagementService.Methods))
            read.Reject(key, $"must be {All} or some of {string.Join(", ", PayoutManagementService.Methods)}, is '{text}'");
        return methods;
    }
}
