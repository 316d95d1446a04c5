using System.Reflection;
using System.Xml.Linq;
using PayoutManager.Testing;

namespace PayoutManager.Architecture.Tests;

/// <summary>Which project may know which, and what each may take from outside.</summary>
public class LayerTests
{
    private static readonly string Root = Repository.Root;

    private static readonly Dictionary<string, (string[] Projects, string[] Packages)> Allowed = new()
    {
        ["thrift/PayoutManager.Thrift"] = ([], ["ApacheThrift", "Confluent.Kafka"]),
        ["src/Domain/Domain"] = ([], []),
        ["src/Application/Application"] = (
            ["Domain"],
            [
                "FluentValidation", "MediatR", "Microsoft.Extensions.DependencyInjection.Abstractions",
                "Microsoft.Extensions.Logging.Abstractions", "Scrutor",
            ]),
        ["src/Woody/Woody"] = (["PayoutManager.Thrift"], []),
        ["src/Woody.Server/Woody.Server"] = (["Woody"], []),
        ["src/Client/Client"] = (["Woody"], ["Microsoft.Extensions.Http", "Polly.Core"]),
        ["src/Infrastructure/Infrastructure"] = (
            ["Application", "Woody"],
            [
                "Confluent.Kafka", "Microsoft.EntityFrameworkCore.Design", "Microsoft.EntityFrameworkCore.Relational",
                "Microsoft.EntityFrameworkCore.Sqlite",
                "Npgsql.EntityFrameworkCore.PostgreSQL", "Polly.Core",
            ]),
        ["src/Sandbox/Sandbox"] = (["Woody.Server"], ["Confluent.Kafka"]),
        ["src/Host/Host"] = (
            ["Infrastructure", "Sandbox", "Woody.Server"],
            [
                "OpenTelemetry.Exporter.OpenTelemetryProtocol", "OpenTelemetry.Exporter.Prometheus.AspNetCore",
                "OpenTelemetry.Extensions.Hosting", "Scrutor", "System.CommandLine",
            ]),
    };

    [Fact]
    public void Every_project_of_the_product_is_named_here() => Assert.Equal(
        Allowed.Keys.Order(),
        Directory.GetFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Concat(Directory.GetFiles(Path.Combine(Root, "thrift"), "*.csproj"))
            .Select(path => Path.ChangeExtension(Path.GetRelativePath(Root, path), null))
            .Order());

    [Theory]
    [InlineData("thrift/PayoutManager.Thrift")]
    [InlineData("src/Domain/Domain")]
    [InlineData("src/Application/Application")]
    [InlineData("src/Woody/Woody")]
    [InlineData("src/Woody.Server/Woody.Server")]
    [InlineData("src/Client/Client")]
    [InlineData("src/Infrastructure/Infrastructure")]
    [InlineData("src/Sandbox/Sandbox")]
    [InlineData("src/Host/Host")]
    public void A_project_refers_to_nothing_else(string project)
    {
        var file = XDocument.Load(Path.Combine(Root, project + ".csproj"));
        string[] References(string element) =>
            [.. file.Descendants(element).Select(e => e.Attribute("Include")!.Value).Order()];

        Assert.Equal(
            Allowed[project].Projects, References("ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)));
        Assert.Equal(Allowed[project].Packages, References("PackageReference"));
    }

    /// <summary>What was compiled, not what was declared: a transitive reference is a reference, too.</summary>
    [Theory]
    [InlineData("PayoutManager.Domain", "System")]
    [InlineData("PayoutManager.Application", "System,PayoutManager.Domain,MediatR,FluentValidation,Microsoft.Extensions,Scrutor")]
    [InlineData("PayoutManager.Woody", "System,PayoutManager.Thrift,Thrift")]
    public void An_assembly_uses_nothing_else(string assembly, string allowed)
    {
        var used = Assembly.Load(assembly).GetReferencedAssemblies().Select(reference => reference.Name!);

        Assert.DoesNotContain(used, name => !allowed.Split(',').Any(prefix => name == prefix || name.StartsWith(prefix + ".", StringComparison.Ordinal)));
    }

    [Fact]
    public void Handlers_validators_and_adapters_are_nobody_else_s_business()
    {
        foreach (var name in (string[])["PayoutManager.Application", "PayoutManager.Infrastructure"])
        {
            var types = Assembly.Load(name).GetTypes();
            Assert.Contains(types, type => type.Name.EndsWith("Handler", StringComparison.Ordinal) || type.Name.EndsWith("Store", StringComparison.Ordinal));
            Assert.DoesNotContain(
                types,
                type => type is { IsPublic: true, IsInterface: false }
                    && ((string[])["Handler", "Validator", "Behavior", "Store", "Client", "Ledger", "Context"]).Any(suffix =>
                        type.Name.EndsWith(suffix, StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void The_domain_is_immutable()
    {
        var settable = Assembly.Load("PayoutManager.Domain").GetExportedTypes()
            .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(property => property.SetMethod is { IsPublic: true } setter
                && !setter.ReturnParameter.GetRequiredCustomModifiers().Any(m => m.Name == "IsExternalInit"))
            .Select(property => $"{property.DeclaringType!.Name}.{property.Name}");

        Assert.Empty(settable);
    }
}
