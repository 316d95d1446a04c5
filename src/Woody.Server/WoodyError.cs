using Microsoft.AspNetCore.Http;

namespace PayoutManager.Woody.Server;

/// <summary>An answer without a body: something went wrong that the contract does not declare.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="ErrorClass">One of <see cref="WoodyErrorClass"/>.</param>
/// <param name="Reason">Words that help the caller and leak nothing.</param>
public sealed record WoodyError(int Status, string ErrorClass, string Reason)
{
    /// <summary>What metrics, traces and the log call this answer; null for its class.</summary>
    public string? Name { get; init; }

    /// <summary>The request itself is wrong.</summary>
    public static WoodyError BadRequest(string reason) =>
        new(StatusCodes.Status400BadRequest, WoodyErrorClass.ResultUnexpected, reason);

    /// <summary>The caller may not make this call; nothing was done.</summary>
    public static WoodyError Forbidden(string reason) =>
        new(StatusCodes.Status403Forbidden, WoodyErrorClass.ResultUnexpected, reason);

    /// <summary>An error that the contract does not declare.</summary>
    public static WoodyError Unexpected(string reason) =>
        new(StatusCodes.Status500InternalServerError, WoodyErrorClass.ResultUnexpected, reason);

    /// <summary>Nothing was done; the call may be repeated.</summary>
    public static WoodyError Unavailable(string reason) =>
        new(StatusCodes.Status503ServiceUnavailable, WoodyErrorClass.ResourceUnavailable, reason);

    /// <summary>It may or may not be done.</summary>
    public static WoodyError Unknown(string reason) =>
        new(StatusCodes.Status504GatewayTimeout, WoodyErrorClass.ResultUnknown, reason);
}

/// <summary>Ends the service of a call with an answer that has no body.</summary>
/// <param name="error">The answer.</param>
/// <param name="cause">What led to it.</param>
public sealed class WoodyErrorException(WoodyError error, Exception? cause = null) : Exception(error.Reason, cause)
{
    /// <summary>The answer.</summary>
    public WoodyError Error { get; } = error;
}
