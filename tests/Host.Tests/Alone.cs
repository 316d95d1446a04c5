namespace PayoutManager.Host.Tests;

/// <summary>Tests that measure this process' memory: nothing else runs meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
