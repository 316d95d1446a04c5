// Most tests wait for processes to start and for leases to run out: more of them at once than there are cores.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
[assembly: TestCollectionOrderer("PayoutManager.Host.Tests.LongestFirst", "PayoutManager.Host.Tests")]
