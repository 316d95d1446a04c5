using PayoutManager.Host.Demo;

namespace PayoutManager.Host.Commands;

/// <summary>Tells a payout's whole way as a story.</summary>
internal sealed class DemoCommand : Verb
{
    public DemoCommand()
        : base("demo", "Takes a payout its whole way and tells what happens as a story. Nothing needs to be installed: database, broker, PartyManagement and ledger are embedded.")
    {
        SetAction((parsed, _) => DemoStory.RunAsync(parsed.InvocationConfiguration.Output));
    }

    public override IReadOnlyList<Exit> Exits { get; } =
    [
        new(ExitCode.Success, "all claims of the story hold"),
        new(ExitCode.Disagreement, "some do not hold"),
        new(ExitCode.WronglyCalled, "called or configured wrongly; each fault has a line on the error output"),
        new(ExitCode.Failed, "something unexpected"),
    ];

    public override string Examples => "PayoutManager.Host demo";
}
