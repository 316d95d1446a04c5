using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Background;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>
/// Takes over operations whose lease has run out and finishes them: confirm and cancel go forward, a create goes back, since nobody
/// was told that it succeeded. Every host does this; the lease decides who gets which.
/// </summary>
/// <remarks>
/// An operation that fails becomes <em>troubled</em>: it is left alone for a while, longer after each try, and shares a few slots with
/// others of its kind, so that it keeps no other operation from being finished.
/// </remarks>
public sealed class OperationRecovery : IDisposable
{
    /// <summary>How many operations a host recovers at once, apart from troubled ones.</summary>
    public const int AtATime = 64;

    /// <summary>How many troubled operations a host tries at once.</summary>
    public const int TroubledAtATime = 16;

    private const int PageSize = 256;

    // A try that hangs is given up soon where many wait behind it; a slow ledger gets more time with each try.
    private static readonly TimeSpan FirstPatience = TimeSpan.FromSeconds(2);

    // Finds what was changed by hand, or committed later than anybody expects.
    private static readonly TimeSpan FullScanInterval = TimeSpan.FromMinutes(1);

    private readonly IOperationStore _store;
    private readonly OperationLeases _leases;
    private readonly LedgerOutage _outage;
    private readonly TimeProvider _clock;
    private readonly OperationOptions _options;
    private readonly Random _random;
    private readonly BackgroundLoops _loops;
    private readonly ILogger<OperationRecovery> _logger;

    private readonly SemaphoreSlim _slots = new(AtATime);
    private readonly SemaphoreSlim _troubledSlots = new(TroubledAtATime);
    private readonly ConcurrentDictionary<PayoutId, Task<bool>> _underWay = [];

    // Where the next scan begins. What was due before is finished, or is due again at a later time, unless it has to be looked at again.
    private DuePosition? _from;
    private volatile bool _lookAtAll = true;
    private long _lookedAtAllAt;
    private bool _ignorePauses;

    internal OperationRecovery(
        IOperationStore store,
        OperationLeases leases,
        ILedger ledger,
        TimeProvider clock,
        OperationOptions options,
        Random random,
        BackgroundLoops loops,
        ILogger<OperationRecovery> logger)
    {
        _store = store;
        _leases = leases;
        _outage = new LedgerOutage(ledger, clock, logger);
        _clock = clock;
        _options = options;
        _random = random;
        _loops = loops;
        _logger = logger;
    }

    /// <summary>Looks for operations at every scan interval until told to stop. What is being finished then is given up.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await _loops.RunAsync(
            "recovery",
            async token =>
            {
                await StartAsync(token);
                return _options.ScanInterval;
            },
            cancellationToken);
        await Task.WhenAll(_underWay.Values);
    }

    /// <summary>Takes over what is due now, and waits until it is finished or has failed.</summary>
    /// <returns>How many operations were finished.</returns>
    public async Task<int> ScanAsync(CancellationToken cancellationToken)
    {
        var finished = await Task.WhenAll(await StartAsync(cancellationToken));
        return finished.Count(done => done);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _slots.Dispose();
        _troubledSlots.Dispose();
    }

    private async Task<IReadOnlyList<Task<bool>>> StartAsync(CancellationToken cancellationToken)
    {
        var started = new List<Task<bool>>();
        if (_outage.IsOn)
        {
            if (!await _outage.AnswersAsync())
                return started;
            // They were meant for a ledger that fails.
            _ignorePauses = true;
        }

        try
        {
            await StartDueAsync(started, cancellationToken);
        }
        catch (Exception)
        {
            _lookAtAll = true;
            throw;
        }

        return started;
    }

    /// <summary>Starts to recover all that is due. Waits for slots, and not for what was started.</summary>
    private async Task StartDueAsync(List<Task<bool>> started, CancellationToken cancellationToken)
    {
        var ignorePauses = _ignorePauses;
        var all = ignorePauses || _lookAtAll || _clock.GetElapsedTime(_lookedAtAllAt) >= FullScanInterval;
        if (all)
            _lookedAtAllAt = _clock.GetTimestamp();
        _lookAtAll = false;

        DuePosition? next = null;
        var missed = false;
        for (var (after, isLast) = (all ? null : _from, false); !isLast;)
        {
            var page = await _store.ListDueAsync(after, ignorePauses, PageSize, cancellationToken);
            // A statement that was under way during the scan may commit a time that is already past.
            next ??= new DuePosition(page.Now - _options.LeaseDuration);
            isLast = page.Operations.Count < PageSize;
            after = isLast ? null : page.Operations[^1].Position;
            var operations = page.Operations.ToArray();
            // Every host sees the same ones: they begin in different places.
            _random.Shuffle(operations);
            foreach (var due in operations)
            {
                if (_outage.IsOn || !await TryStartAsync(due, ignorePauses, started, cancellationToken))
                    missed = true;
            }
        }

        _from = next;
        _lookAtAll |= missed;
        _ignorePauses = missed && ignorePauses;
    }

    /// <returns>False where somebody has to look again.</returns>
    private async Task<bool> TryStartAsync(
        DueOperation due, bool ignorePause, List<Task<bool>> started, CancellationToken cancellationToken)
    {
        if (_underWay.ContainsKey(due.PayoutId))
            return true;
        var slots = due.FailedTries == 0 ? _slots : _troubledSlots;
        if (!await slots.WaitAsync(due.FailedTries == 0 ? Timeout.Infinite : 0, cancellationToken))
            return false;
        var work = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _underWay[due.PayoutId] = work.Task;
        started.Add(work.Task);
        _ = WorkAsync();
        return true;

        async Task WorkAsync()
        {
            var finished = false;
            try
            {
                finished = await TryRecoverAsync(due.PayoutId, ignorePause, cancellationToken);
            }
            finally
            {
                _underWay.TryRemove(due.PayoutId, out _);
                slots.Release();
                work.SetResult(finished);
            }
        }
    }

    private async Task<bool> TryRecoverAsync(PayoutId payoutId, bool ignorePause, CancellationToken cancellationToken)
    {
        Operation? operation = null;
        try
        {
            operation = await _leases.TakeOverAsync(payoutId, ignorePause, cancellationToken);
            if (operation is null)
            {
                // Another host's or a caller's by now. Or locked: then it is still due.
                _lookAtAll = true;
                return false;
            }

            using var span = PayoutTelemetry.Source.StartActivity($"Recover {PayoutTelemetry.KindOf(operation.Intent)}");
            span?.SetTag("payout.id", payoutId.Value);
            using var scope = OperationLog.Of(_logger, operation);
            await FinishAsync(operation, cancellationToken);
            PayoutTelemetry.Recovered(operation.Intent, finished: true);
            OperationLog.Recovered(
                _logger, operation.Intent.GetType().Name, payoutId.Value, operation.Attempt, operation.Actor?.Name);
            return true;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e)
        {
            // One operation that cannot be finished must not keep the others waiting.
            if (operation is not null)
                PayoutTelemetry.Recovered(operation.Intent, finished: false);
            else
                // It may be due for longer than the next scan looks back.
                _lookAtAll = true;
            var intent = operation?.Intent.GetType().Name ?? "(not taken over)";
            OperationLog.NotRecovered(
                _logger,
                intent,
                payoutId.Value,
                operation?.Attempt ?? 0,
                operation?.FailedTries + 1 ?? 0,
                operation?.Actor?.Name,
                Explanation.Of(e),
                Explanation.StackOf(e));
            return false;
        }
    }

    private async Task FinishAsync(Operation operation, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(
            Doubled(FirstPatience, operation.FailedTries, _options.LeaseDuration), _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        await _leases.FinishAsync(operation, JudgeAsync, either.Token);

        // No pause where the ledger carries out nothing at all, or this host stops.
        async Task<FailedTry> JudgeAsync(Exception e) => new(
            Explanation.Of(e),
            !cancellationToken.IsCancellationRequested && await _outage.AnswersAsync() ? PauseAfter(operation.FailedTries, e) : null);
    }

    /// <summary>
    /// Where no answer came, a connection may have been the matter, so that the next try must not be far off. An answer that says
    /// failed, or an error of our own, is the operation's.
    /// </summary>
    private TimeSpan PauseAfter(int failedTries, Exception e)
    {
        var isItsOwn = e is OutcomeUnknownException { PeerFailed: true } || Explanation.StackOf(e) is not null;
        var longest = isItsOwn ? _options.LongestPause : _options.LeaseDuration;
        return Doubled(_options.ShortestPause, failedTries, longest) * (0.75 + (_random.NextDouble() / 4));
    }

    private static TimeSpan Doubled(TimeSpan first, int times, TimeSpan longest)
    {
        // More doublings than any option needs, and no overflow.
        var doubled = first * (1 << Math.Min(times, 16));
        return doubled < longest ? doubled : longest;
    }
}
