namespace PayoutManager.Bench.Load;

/// <summary>What callers saw.</summary>
/// <param name="Calls">How many calls they made, all of them answered by success.</param>
/// <param name="Duration">From the first call to the last answer.</param>
/// <param name="Latencies">Of each call, in order of length.</param>
internal sealed record LoadReport(int Calls, TimeSpan Duration, TimeSpan[] Latencies)
{
    public double PerSecond => Calls / Duration.TotalSeconds;

    public TimeSpan Percentile(double share) => Latencies[Math.Min((int)(Latencies.Length * share), Latencies.Length - 1)];
}

/// <summary>Callers who each make one call after the other, at any number of hosts in turns.</summary>
internal static class Callers
{
    /// <summary>Makes a number of calls.</summary>
    public static Task<LoadReport> RunAsync(IReadOnlyList<Uri> urls, int callers, IReadOnlyList<byte[]> messages)
    {
        var next = -1;
        return RunAsync(urls, callers, () => Interlocked.Increment(ref next) is var n && n < messages.Count ? messages[n] : null);
    }

    /// <summary>Makes calls for a time.</summary>
    public static Task<LoadReport> RunAsync(IReadOnlyList<Uri> urls, int callers, TimeSpan duration, Func<byte[]> message)
    {
        var began = TimeProvider.System.GetTimestamp();
        return RunAsync(urls, callers, () => TimeProvider.System.GetElapsedTime(began) < duration ? message() : null);
    }

    private static async Task<LoadReport> RunAsync(IReadOnlyList<Uri> urls, int callers, Func<byte[]?> next)
    {
        var connections = await Task.WhenAll(Enumerable.Range(0, callers).Select(n => Connection.OpenAsync(urls[n % urls.Count])));
        var began = TimeProvider.System.GetTimestamp();
        var latencies = await Task.WhenAll(connections.Select(connection => Task.Run(() => CallAsync(connection, next))));
        var duration = TimeProvider.System.GetElapsedTime(began);
        foreach (var connection in connections)
            connection.Dispose();
        TimeSpan[] all = [.. latencies.SelectMany(l => l).Order()];
        return new LoadReport(all.Length, duration, all);
    }

    private static async Task<List<TimeSpan>> CallAsync(Connection connection, Func<byte[]?> next)
    {
        var latencies = new List<TimeSpan>();
        while (next() is { } message)
        {
            var began = TimeProvider.System.GetTimestamp();
            await connection.CallAsync(message);
            latencies.Add(TimeProvider.System.GetElapsedTime(began));
        }

        return latencies;
    }
}
