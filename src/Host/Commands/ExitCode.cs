namespace PayoutManager.Host.Commands;

/// <summary>How the program ends. What a code means of a verb is with the verb, in its help, and in docs/operations.md.</summary>
internal enum ExitCode
{
    /// <summary>All went as it should.</summary>
    Success = 0,

    /// <summary>It was looked at, and is not as it should be.</summary>
    Disagreement = 1,

    /// <summary>The command line or the configuration makes no sense.</summary>
    WronglyCalled = 2,

    /// <summary>The database does not answer, or must not be used.</summary>
    DatabaseUnusable = 3,

    /// <summary>The ledger does not answer.</summary>
    LedgerNotAnswered = 4,

    /// <summary>The topic cannot be read.</summary>
    TopicNotRead = 5,

    /// <summary>The time that was given is up.</summary>
    TimeIsUp = 6,

    /// <summary>Nothing is wrong, and not all can be known.</summary>
    SomeNotKnown = 7,

    /// <summary>Nothing is wrong, and some were being changed.</summary>
    SomeUnderWay = 8,

    /// <summary>An endpoint's address cannot be listened at.</summary>
    CannotListen = 9,

    /// <summary>A repair was not done, and had no effect.</summary>
    RepairFailed = 10,

    /// <summary>It is not known whether a repair was done.</summary>
    RepairUnknown = 11,

    /// <summary>Something that nobody expected.</summary>
    Failed = 70,

    /// <summary>A signal asked for the end before the work was done.</summary>
    Interrupted = 130,
}

/// <summary>What an exit code says of a verb.</summary>
/// <param name="Code">The code.</param>
/// <param name="Meaning">In words.</param>
internal sealed record Exit(ExitCode Code, string Meaning);
