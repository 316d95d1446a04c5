using System.Diagnostics;
using Npgsql;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>
/// Sends writes that arrive while others are under way as one batch: one round trip and one commit for all of them, which cost more than
/// their rows do. Nobody waits for company: a write that arrives while nothing is under way goes alone.
/// </summary>
/// <remarks>
/// A write that the database refuses must not take the rest of its batch down: then each is made again by itself. A write whose row somebody
/// else has locked waits <em>aside</em>, and so do later writes of its payout for a while, so that it delays nobody but itself. Writes of
/// a batch are in order of their payouts, so that no two transactions, of whatever hosts, wait for each other.
/// <para>
/// A batch of more than one statement begins and commits its transaction itself, in the same round trip. READ COMMITTED lets the
/// later statements see what was committed while an earlier one waited, whatever level the session has. And without BEGIN only a plain
/// PostgreSQL makes one transaction of what is sent together; a distributed one commits each statement by itself. What an error
/// leaves open is rolled back before the connection is used again.
/// </para>
/// </remarks>
internal sealed class SharedTransactions(NpgsqlDataSource source) : IDisposable
{
    // With one, a slow write would keep everybody waiting; with many, each would have little company.
    private const int MostAtOnce = 2;
    private const int MostTogether = 32;

    // Each has a connection of its own.
    private const int MostAside = 8;

    // Longer than a row is locked by a write that is under way, and short enough for the others of a batch.
    private static readonly TimeSpan LockPatience = TimeSpan.FromMilliseconds(50);

    // How long the writes of a payout go aside after one of them had to wait.
    private static readonly TimeSpan ContendedFor = TimeSpan.FromSeconds(5);

    // For a batch, since no single caller's time can end it.
    private static readonly TimeSpan BatchPatience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Queue<Write> _waiting = [];
    private readonly Dictionary<string, long> _contended = [];
    private readonly SemaphoreSlim _aside = new(MostAside);
    private int _running;

    /// <summary>Makes a write, alone or with others.</summary>
    /// <param name="payoutId">The payout whose rows it changes.</param>
    /// <param name="createStatements">Its statements, each of which returns a number or nothing; anew for each try.</param>
    /// <param name="cancellationToken">
    /// Ends the wait. What has not been sent by then never is; of what has been, it is unknown whether it is done.
    /// </param>
    /// <returns>What each statement has returned.</returns>
    public async Task<int?[]> RunAsync(
        string payoutId, Func<NpgsqlBatchCommand[]> createStatements, CancellationToken cancellationToken)
    {
        var write = new Write(payoutId, createStatements, Activity.Current, cancellationToken);
        await using var givenUp = cancellationToken.UnsafeRegister(static write => ((Write)write!).GiveUp(), write);
        if (IsContended(payoutId))
            _ = RunAsideAsync(write);
        else if (Admit(write))
            ThreadPool.UnsafeQueueUserWorkItem(static shared => _ = shared.RunAllAsync(), this, preferLocal: true);
        return await write.Results;
    }

    public void Dispose() => _aside.Dispose();

    /// <summary>Puts a write behind those that wait; true if somebody has to begin with them.</summary>
    private bool Admit(Write write)
    {
        lock (_gate)
        {
            _waiting.Enqueue(write);
            if (_running == MostAtOnce)
                return false;
            _running++;
            return true;
        }
    }

    private async Task RunAllAsync()
    {
        while (TakeTogether() is { Count: > 0 } writes)
        {
            if (writes is [var single])
                await RunAloneAsync(single);
            else
                await RunTogetherAsync(writes);
        }
    }

    private List<Write> TakeTogether()
    {
        var taken = new List<Write>();
        lock (_gate)
        {
            while (taken.Count < MostTogether && _waiting.TryDequeue(out var write))
            {
                if (write.TrySend())
                    taken.Add(write);
            }

            if (taken.Count == 0)
                _running--;
        }

        return taken.Count < 2 ? taken : [.. taken.OrderBy(write => write.PayoutId, StringComparer.Ordinal)];
    }

    private async Task RunTogetherAsync(List<Write> writes)
    {
        var commit = new NpgsqlBatchCommand("COMMIT");
        try
        {
            using var patience = new CancellationTokenSource(BatchPatience, TimeProvider.System);
            await ExecuteAsync(writes, commit, patience.Token);
        }
        catch (Exception e) when (DatabaseErrors.IsRefusal(e) || DatabaseErrors.IsBeforeCommit(e, commit))
        {
            foreach (var write in writes)
                write.TakeBack();
            if (FindBlocked(writes, e) is { } blocked)
            {
                writes.Remove(blocked);
                MarkContended(blocked.PayoutId);
                _ = RunAsideAsync(blocked);
                await RunAgainAsync([.. writes.Where(write => write.TrySend())]);
                return;
            }

            // One after the other, so that a database in trouble does not get more connections of it.
            foreach (var write in writes)
            {
                if (write.TrySend())
                    await RunAloneAsync(write);
            }
        }
        catch (Exception e)
        {
            foreach (var write in writes)
                write.Fail(e);
        }
    }

    private Task RunAgainAsync(List<Write> writes) => writes switch
    {
        [] => Task.CompletedTask,
        [var single] => RunAloneAsync(single),
        _ => RunTogetherAsync(writes),
    };

    /// <summary>Makes a write by itself. If that takes long, others go on meanwhile.</summary>
    private async Task RunAloneAsync(Write write)
    {
        var sent = ExecuteAloneAsync(write);
        try
        {
            await sent.WaitAsync(LockPatience, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            MarkContended(write.PayoutId);
            if (_aside.Wait(0, CancellationToken.None))
                _ = ReleaseAfterAsync(sent);
            else
                await sent;
        }
    }

    /// <summary>Makes a write where it keeps nobody waiting.</summary>
    private async Task RunAsideAsync(Write write)
    {
        try
        {
            await _aside.WaitAsync(write.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Given up before it was sent.
            return;
        }

        await ReleaseAfterAsync(write.TrySend() ? ExecuteAloneAsync(write) : Task.CompletedTask);
    }

    private async Task ReleaseAfterAsync(Task work)
    {
        await work;
        _aside.Release();
    }

    /// <summary>Never throws: the write is told.</summary>
    private async Task ExecuteAloneAsync(Write write)
    {
        try
        {
            await ExecuteAsync([write], new NpgsqlBatchCommand("COMMIT"), write.CancellationToken);
        }
        catch (Exception e)
        {
            write.Fail(e);
        }
    }

    private async Task ExecuteAsync(List<Write> writes, NpgsqlBatchCommand commit, CancellationToken cancellationToken)
    {
        // What several calls share is seen in the trace of the first.
        Activity.Current = writes[0].Span;
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        foreach (var write in writes)
        {
            foreach (var statement in write.Prepare())
                batch.BatchCommands.Add(statement);
        }

        if (batch.BatchCommands.Count > 1)
        {
            batch.BatchCommands.Insert(0, new NpgsqlBatchCommand("BEGIN ISOLATION LEVEL READ COMMITTED"));
            if (writes.Count > 1)
                batch.BatchCommands.Insert(1, new NpgsqlBatchCommand($"SET LOCAL lock_timeout = {LockPatience.TotalMilliseconds}"));
            batch.BatchCommands.Add(commit);
        }

        // The reader stops only at what returns rows, and its end is that of the transaction.
        var results = writes.ConvertAll(write => new int?[write.Statements.Count]);
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            foreach (var result in results)
            {
                for (var statement = 0; statement < result.Length; statement++)
                {
                    result[statement] = await reader.ReadAsync(cancellationToken) ? reader.GetInt32(0) : null;
                    await reader.NextResultAsync(cancellationToken);
                }
            }
        }

        for (var i = 0; i < writes.Count; i++)
            writes[i].Succeed(results[i]);
    }

    /// <summary>The write of a batch that waited for a lock until the batch gave up; null where it failed otherwise.</summary>
    private static Write? FindBlocked(List<Write> writes, Exception e) =>
        e is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable, BatchCommand: NpgsqlBatchCommand failed }
            ? writes.Find(write => write.Statements.Contains(failed))
            : null;

    private bool IsContended(string payoutId)
    {
        lock (_gate)
            return _contended.Count > 0 && _contended.TryGetValue(payoutId, out var since) && IsRecent(since);
    }

    private void MarkContended(string payoutId)
    {
        lock (_gate)
        {
            foreach (var old in _contended.Where(contended => !IsRecent(contended.Value)).Select(contended => contended.Key).ToList())
                _contended.Remove(old);
            _contended[payoutId] = TimeProvider.System.GetTimestamp();
        }
    }

    private static bool IsRecent(long since) => TimeProvider.System.GetElapsedTime(since) < ContendedFor;

    /// <summary>A write on its way.</summary>
    private sealed class Write(
        string payoutId, Func<NpgsqlBatchCommand[]> createStatements, Activity? span, CancellationToken cancellationToken)
    {
        private readonly TaskCompletionSource<int?[]> _results = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left;

        public string PayoutId => payoutId;

        /// <summary>The statements of the latest try.</summary>
        public IReadOnlyList<NpgsqlBatchCommand> Statements { get; private set; } = [];

        public Activity? Span => span;

        public CancellationToken CancellationToken => cancellationToken;

        public Task<int?[]> Results => _results.Task;

        public IReadOnlyList<NpgsqlBatchCommand> Prepare() => Statements = createStatements();

        /// <summary>Whether it is to be sent: false once it has been given up.</summary>
        public bool TrySend() => Interlocked.Exchange(ref _left, 1) == 0 && !_results.Task.IsCompleted;

        /// <summary>What was sent had no effect.</summary>
        public void TakeBack() => Volatile.Write(ref _left, 0);

        public void GiveUp()
        {
            var e = new OperationCanceledException(cancellationToken);
            _results.TrySetException(Interlocked.Exchange(ref _left, 1) == 0 ? Database.NotSent(e) : e);
        }

        public void Succeed(int?[] results) => _results.TrySetResult(results);

        public void Fail(Exception e) => _results.TrySetException(e);
    }
}
