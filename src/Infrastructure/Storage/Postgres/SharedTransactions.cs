using System.Diagnostics;
using Npgsql;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>
/// Lets writes that are asked for while others are under way go together: one round trip and one commit for all of them, which
/// cost more than their rows do. Nobody waits for company; whoever comes while there is nobody else goes alone.
/// </summary>
/// <remarks>
/// A write that the database refuses must not take its company down with it: then each of them is made again by itself. They are in
/// order of their payouts, so that no two transactions, of whatever hosts, wait for each other.
/// <para>
/// More than one statement begin and commit their transaction by themselves, in the same round trip. READ COMMITTED is what lets the
/// later ones see what was committed while an earlier one waited, whatever level the session has. And without BEGIN only a plain
/// PostgreSQL makes one transaction of what is sent together; a distributed one commits each statement by itself. What an error
/// leaves open is rolled back before the connection is used again.
/// </para>
/// </remarks>
internal sealed class SharedTransactions(NpgsqlDataSource source)
{
    // With one, whoever waits for a row would keep everybody waiting; with many, each would have little company.
    private const int MostAtOnce = 2;
    private const int MostTogether = 32;

    // For what several callers wait for, and so none of them can end.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Queue<Write> _waiting = [];
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
        if (Admit(write))
            ThreadPool.UnsafeQueueUserWorkItem(static shared => _ = shared.RunAllAsync(), this, preferLocal: true);
        return await write.Results;
    }

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
            await RunTogetherAsync(writes);
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
        if (writes is [var single])
        {
            await RunAloneAsync(single);
            return;
        }

        var commit = new NpgsqlBatchCommand("COMMIT");
        try
        {
            using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
            await ExecuteAsync(writes, commit, patience.Token);
        }
        catch (Exception e) when (DatabaseErrors.IsRefusal(e) || DatabaseErrors.IsBeforeCommit(e, commit))
        {
            foreach (var write in writes)
                write.TakeBack();
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

    private async Task RunAloneAsync(Write write)
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
        var results = new int?[writes.Count][];
        for (var i = 0; i < writes.Count; i++)
        {
            var statements = writes[i].CreateStatements();
            results[i] = new int?[statements.Length];
            foreach (var statement in statements)
                batch.BatchCommands.Add(statement);
        }

        if (batch.BatchCommands.Count > 1)
        {
            batch.BatchCommands.Insert(0, new NpgsqlBatchCommand("BEGIN ISOLATION LEVEL READ COMMITTED"));
            batch.BatchCommands.Add(commit);
        }

        // The reader stops only at what returns rows, and its end is that of the transaction.
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

    /// <summary>A write on its way.</summary>
    private sealed class Write(
        string payoutId, Func<NpgsqlBatchCommand[]> createStatements, Activity? span, CancellationToken cancellationToken)
    {
        private readonly TaskCompletionSource<int?[]> _results = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left;

        public string PayoutId => payoutId;

        public Func<NpgsqlBatchCommand[]> CreateStatements => createStatements;

        public Activity? Span => span;

        public CancellationToken CancellationToken => cancellationToken;

        public Task<int?[]> Results => _results.Task;

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
