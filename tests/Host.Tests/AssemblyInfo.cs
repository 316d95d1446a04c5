// Tests here measure memory, race calls and kill processes: each for itself.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
