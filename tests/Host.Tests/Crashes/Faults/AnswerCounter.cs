using System.Collections.Concurrent;

namespace PayoutManager.Host.Tests.Crashes.Faults;

/// <summary>Counts what callers are answered.</summary>
internal sealed class AnswerCounter(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private ConcurrentDictionary<string, int> _answers = [];

    /// <summary>What was answered since the last time that somebody asked this.</summary>
    public IReadOnlyDictionary<string, int> Take() => Interlocked.Exchange(ref _answers, []);

    public int Count => _answers.Values.Sum();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var answer = "none";
        try
        {
            var response = await base.SendAsync(request, cancellationToken);
            answer = $"{(int)response.StatusCode}";
            return response;
        }
        finally
        {
            _answers.AddOrUpdate(answer, 1, (_, count) => count + 1);
        }
    }
}
