using System.Net;
using System.Text.Json;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>What a host says of itself.</summary>
/// <param name="Code">The HTTP status.</param>
/// <param name="Body">Its own status in a word, and that of each part.</param>
internal sealed record Readiness(HttpStatusCode Code, IReadOnlyDictionary<string, string> Body)
{
    public static async Task<Readiness> ReadAsync(HttpClient http, Uri managementUrl)
    {
        using var answer = await http.GetAsync(new Uri(managementUrl, "health/ready"));
        return new Readiness(
            answer.StatusCode, JsonSerializer.Deserialize<Dictionary<string, string>>(await answer.Content.ReadAsStringAsync())!);
    }
}
