namespace PayoutManager.Woody;

/// <summary>The values of <see cref="WoodyHeaders.ErrorClass"/>. Readers compare them without regard to case.</summary>
public static class WoodyErrorClass
{
    /// <summary>The body is a declared exception.</summary>
    public const string BusinessError = "Business Error";

    /// <summary>An error that the contract does not declare.</summary>
    public const string ResultUnexpected = "Result Unexpected";

    /// <summary>Nothing was done; the call may be repeated.</summary>
    public const string ResourceUnavailable = "Resource Unavailable";

    /// <summary>It may or may not be done.</summary>
    public const string ResultUnknown = "Result Unknown";
}
