using PayoutManager.Host.Configuration;

namespace PayoutManager.Host.Tests.Deployment;

/// <summary>
/// The images are built by the SDK as anywhere, but on a base of the test's own: the real one is pulled from the internet.
/// </summary>
public sealed class ContainerImageTests
{
    private const string BaseImage = "dotnet/aspnet:10.0-noble-chiseled";

    [Fact]
    public async Task The_image_of_the_host_runs_it_without_root_on_both_ports()
    {
        await using var registry = await ThrowAwayRegistry.StartAsync();

        var image = await ContainerImage.BuildAsync("src/Host", registry, BaseImage);

        Assert.Equal(["payout-manager:0.1.0"], image.Tags);
        Assert.Equal("1654", image.Configuration["User"]!.GetValue<string>());
        Assert.Equal(["dotnet", "/app/PayoutManager.Host.dll"], ContainerImage.Texts(image.Configuration["Entrypoint"]!));
        Assert.Equal(["8022/tcp", "8023/tcp"], image.Configuration["ExposedPorts"]!.AsObject().Select(port => port.Key).Order());
        Assert.Equal(2, image.Layers.Count);
        Assert.Equal(registry.LayerDigest, image.Layers[0]);
        Assert.Contains("app/PayoutManager.Host.dll", image.Files);
        Assert.Contains("app/librdkafka.so", image.Files);
        Assert.DoesNotContain(image.Files, file => file.EndsWith(".xml", StringComparison.Ordinal));
        // Its own environment leaves nothing to be configured but what nobody else can know.
        var incomplete = Assert.Throws<InvalidConfigurationException>(() => DeployedFiles.Settings(VariablesOf(image)));
        Assert.Equal(
            """
            The configuration cannot be used:
              ConnectionStrings:Payouts: is required
              PartyManagement:Url: is required
              Shumway:Url: is required
              Kafka:BootstrapServers: is required
            """,
            incomplete.Message);
    }

    [Theory]
    [InlineData("src/Host", "payout-manager")]
    [InlineData("src/Sandbox", "payout-manager-sandbox")]
    public async Task Images_have_a_chiselled_base_and_no_root(string project, string repository)
    {
        var properties = (await ContainerImage.EvaluateAsync(project))["Properties"]!;

        Assert.EndsWith("/" + BaseImage, properties["ContainerBaseImage"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("1654", properties["ContainerUser"]!.GetValue<string>());
        Assert.Equal((repository, "0.1.0"), (properties["ContainerRepository"]!.GetValue<string>(), properties["ContainerImageTag"]!.GetValue<string>()));
    }

    private static IEnumerable<KeyValuePair<string, string>> VariablesOf(ContainerImage image) =>
        ContainerImage.Texts(image.Configuration["Env"]!)
            .Select(variable => variable.Split('=', 2))
            .Select(variable => KeyValuePair.Create(variable[0], variable[1]));
}
