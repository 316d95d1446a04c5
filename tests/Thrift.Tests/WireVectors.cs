using System.Text.Json;

namespace PayoutManager.Thrift.Tests;

/// <summary>Byte vectors that an independent implementation made from the full upstream definitions.</summary>
internal static class WireVectors
{
    private static readonly Dictionary<string, (byte[] Bytes, JsonElement Value)> All =
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "wire-vectors.json")))
            .RootElement.GetProperty("vectors").EnumerateArray()
            .ToDictionary(
                v => v.GetProperty("name").GetString()!,
                v => (Convert.FromHexString(v.GetProperty("hex").GetString()!), v.GetProperty("value")));

    public static IReadOnlyCollection<string> Names => All.Keys;

    public static byte[] Bytes(string name) => All[name].Bytes;

    public static JsonElement Value(string name) => All[name].Value;
}
