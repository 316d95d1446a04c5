using PayoutManager.Host.Tests.Crashes;
using PayoutManager.Host.Tests.Crashes.Faults;
using PayoutManager.Host.Tests.Operating;
using Xunit.Abstractions;

namespace PayoutManager.Host.Tests;

/// <summary>Begins with the classes that take longest, so that at the end none of them runs alone.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        .. ((Type[])[typeof(StormTests), typeof(FaultMatrixTests), typeof(RecoveryStepTests), typeof(CallStepTests), typeof(HostileInputTests), typeof(HealthTests), typeof(OrphanTests)])
            .Select(type => type.FullName!),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) => testCollections.OrderBy(collection =>
        Array.FindIndex(Longest, name => collection.DisplayName.EndsWith(name, StringComparison.Ordinal)) is >= 0 and var place ? place : Longest.Length);
}
