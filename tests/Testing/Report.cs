using Xunit.Abstractions;

namespace PayoutManager.Testing;

/// <summary>What a test measured, for whoever reads the run: in the test's output, and in a file that test.sh prints.</summary>
public static class Report
{
    private static readonly Lock Writing = new();

    public static void Write(ITestOutputHelper output, string line)
    {
        output.WriteLine(line);
        lock (Writing)
        {
            var folder = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts"));
            File.AppendAllLines(Path.Combine(folder.FullName, "test-report.txt"), [line]);
        }
    }
}
