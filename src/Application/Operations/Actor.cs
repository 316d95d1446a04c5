namespace PayoutManager.Application.Operations;

/// <summary>Who asked for a change. Kept with each event's row and shown in logs; the event itself does not carry it.</summary>
/// <param name="Name">
/// The subject of the caller's certificate or, without one, the caller's user identity in woody's metadata; at most 512 characters.
/// </param>
/// <param name="Reason">Why, in the words of whoever asked; null for calls that give none.</param>
public sealed record Actor(string Name, string? Reason = null);
