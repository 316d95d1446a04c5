using Microsoft.Extensions.Logging;
using PayoutManager.Application.Background;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Events;

/// <summary>
/// Sends every stored event to the topic, at least once and in order for each payout. One host at a time does it, by a
/// lease. An event is marked only when the broker has acknowledged it, and one that cannot be sent is tried for ever:
/// it keeps back the later events of its payout and nothing else.
/// </summary>
public sealed class EventRelay(
    IEventOutbox outbox,
    IEventPublisher publisher,
    RelaySignal signal,
    RelayProgress progress,
    TimeProvider clock,
    RelayOptions options,
    BackgroundLoops loops,
    ILogger<EventRelay> logger)
{
    private const string Loop = "relay";

    private readonly string _owner = Operation.NewOwner();

    /// <summary>Relays, whenever the lease can be had, until told to stop.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        IEventSession? session = null;
        // Whatever a round ends with, the events are in the table, from which the next one begins again.
        await loops.RunAsync(
            Loop,
            async token =>
            {
                if (session is { IsBroken: true })
                {
                    session.Dispose();
                    session = null;
                }

                // Opened before the lease is ours: a new line needs up to a second until it can send, and a host that is
                // killed in that time has sent what the next one sends again.
                session ??= publisher.Open();
                if (!await outbox.TryLeaseAsync(_owner, options.LeaseDuration, token))
                {
                    progress.Moved();
                    return options.RetryPause;
                }

                progress.BecameSender(true);
                try
                {
                    await RelayWhileLeasedAsync(session, token);
                }
                finally
                {
                    progress.BecameSender(false);
                    // What is still on its way must not leave once the lease may be somebody else's.
                    session.Dispose();
                    session = null;
                }

                return options.RetryPause;
            },
            cancellationToken);
        session?.Dispose();
    }

    private async Task RelayWhileLeasedAsync(IEventSession session, CancellationToken cancellationToken)
    {
        var renewedAt = clock.GetTimestamp();
        var dispatch = new EventDispatch(session, signal, progress, clock, options, logger);
        try
        {
            while (!session.IsBroken)
            {
                var began = clock.GetTimestamp();
                await MarkAcknowledgedAsync(dispatch, cancellationToken);
                if (clock.GetElapsedTime(renewedAt) >= options.LeaseDuration / 3)
                {
                    var asked = clock.GetTimestamp();
                    if (!await outbox.TryLeaseAsync(_owner, options.LeaseDuration, cancellationToken))
                        return;
                    renewedAt = asked;
                }

                if (!dispatch.IsFull)
                    dispatch.Send(await outbox.ReadUnpublishedAsync(dispatch.Cursor, options.BatchSize, cancellationToken));
                loops.Succeeded(Loop);
                if (!dispatch.IsSending)
                    progress.Moved();
                if (dispatch.IsAtEnd || dispatch.IsFull)
                {
                    await signal.WaitAsync(options.PollInterval, cancellationToken);
                    if (options.Pace - clock.GetElapsedTime(began) is { Ticks: > 0 } early)
                        await Task.Delay(early, clock, cancellationToken);
                }
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // Whatever the step was that found out, as a cancellation or as a database that did not do it in time.
            await CloseAsync(dispatch);
            throw;
        }
    }

    private async Task MarkAcknowledgedAsync(EventDispatch dispatch, CancellationToken cancellationToken)
    {
        if (dispatch.Acknowledged is { Count: > 0 } acknowledged)
        {
            await outbox.MarkPublishedAsync(acknowledged, cancellationToken);
            dispatch.Forget(acknowledged);
        }
    }

    /// <summary>Marks what is still acknowledged, so that the next host need not send it again, and lets it begin at once.</summary>
    private async Task CloseAsync(EventDispatch dispatch)
    {
        using var closing = new CancellationTokenSource(options.ClosingTime, clock);
        try
        {
            // Asked before marking: what is acknowledged in between is marked in one more round.
            for (var wasSending = true; wasSending;)
            {
                wasSending = dispatch.IsSending;
                await MarkAcknowledgedAsync(dispatch, closing.Token);
                if (wasSending)
                    await signal.WaitAsync(options.PollInterval, closing.Token);
            }

            await outbox.ReleaseLeaseAsync(_owner, closing.Token);
        }
        catch (Exception e) when (e is NotDoneException or OutcomeUnknownException or OperationCanceledException)
        {
            // What was not marked is sent again by the next host, which has to wait for the lease to run out.
            RelayLog.ClosedLate(logger, Explanation.Of(e), Explanation.StackOf(e));
        }
    }
}
