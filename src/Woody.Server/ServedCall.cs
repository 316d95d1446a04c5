namespace PayoutManager.Woody.Server;

/// <summary>What becomes known of a call while it is served.</summary>
internal sealed class ServedCall
{
    /// <summary>The method's name once it is known to exist, so that there are only so many of them.</summary>
    public string Method { get; set; } = "-";

    /// <summary>What the call is about; null where it does not say.</summary>
    public string? Subject { get; set; }

    /// <summary>Who makes the call; null where nobody says.</summary>
    public string? Actor { get; set; }

    /// <summary>How it ended: success, the name of a declared exception or of an error, or an error class.</summary>
    public string Outcome { get; set; } = "success";
}
