using System.Reflection;
using PayoutManager.Testing;
using PublicApiGenerator;

namespace PayoutManager.Packages.Tests;

/// <summary>
/// What packages promise is a decision: a text for each, which this test compares. To approve a change, copy the file that it names
/// over the approved one, and tell of it in the change log.
/// </summary>
public class PublicApiTests
{
    [Theory]
    [InlineData("PayoutManager.Domain")]
    [InlineData("PayoutManager.Thrift")]
    [InlineData("PayoutManager.Woody")]
    [InlineData("PayoutManager.Client")]
    public void The_public_api_is_the_approved_one(string package)
    {
        var api = Assembly.Load(package).GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false }).ReplaceLineEndings("\n");
        var approved = Path.Combine(Repository.Root, "tests/Packages.Tests/Approved", $"{package}.txt");
        var received = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts/api")).FullName, $"{package}.txt");
        File.WriteAllText(received, api);

        Assert.True(
            File.Exists(approved) && File.ReadAllText(approved) == api,
            $"The public API of {package} is another than the approved one: diff {approved} {received}");
    }
}
