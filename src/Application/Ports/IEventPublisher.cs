namespace PayoutManager.Application.Ports;

/// <summary>Sends events to the topic.</summary>
public interface IEventPublisher
{
    /// <summary>
    /// Opens a line to the broker. Disposing it drops what was not yet sent, so that nothing leaves later on behalf of
    /// somebody who is no longer the sender.
    /// </summary>
    IEventSession Open();
}

/// <summary>A line to the broker, of one sender for the time of its lease.</summary>
public interface IEventSession : IDisposable
{
    /// <summary>Sends an event.</summary>
    /// <returns>Done once the broker has acknowledged the event; failed if it never will.</returns>
    Task SendAsync(OutboxEvent outboxEvent);

    /// <summary>Whether nothing more can be sent on this line.</summary>
    bool IsBroken { get; }
}
