using BenchmarkDotNet.Running;
using PayoutManager.Bench.Micro;

BenchmarkSwitcher.FromAssembly(typeof(RuleBenchmarks).Assembly).Run(args is [] ? ["--filter", "*"] : args);
