using k8s;
using k8s.Models;

namespace PayoutManager.Host.Tests.Deployment;

/// <summary>No cluster takes them here: they are read by Kubernetes' own model, which refuses what it does not know.</summary>
public sealed class KubernetesTests
{
    private const string Kustomization = "kustomization.yaml";

    private static readonly Dictionary<string, object> Manifests =
        Directory.GetFiles(DeployedFiles.PathOf("kubernetes"))
            .Where(file => Path.GetFileName(file) != Kustomization)
            .ToDictionary(file => Path.GetFileName(file), file => KubernetesYaml.LoadAllFromString(File.ReadAllText(file), strict: true).Single());

    private static readonly V1Deployment Deployment = One<V1Deployment>();
    private static readonly V1PodSpec Pod = Deployment.Spec.Template.Spec;
    private static readonly V1Container Container = Pod.Containers.Single();

    [Fact]
    public void Every_manifest_is_applied_to_the_same_namespace()
    {
        var kustomization = DeployedFiles.Yaml($"kubernetes/{Kustomization}").Single();

        Assert.Equal(Manifests.Keys.Order(), kustomization["resources"].AllNodes.Skip(1).Select(file => file.ToString()).Order());
        Assert.All(
            Manifests.Values.OfType<IMetadata<V1ObjectMeta>>().Where(m => m is not V1Namespace),
            manifest => Assert.Equal(One<V1Namespace>().Metadata.Name, manifest.Metadata.NamespaceProperty));
    }

    [Fact]
    public async Task The_pod_runs_the_image_without_root_on_its_ports()
    {
        var image = await ContainerImage.EvaluateAsync("src/Host");

        var tagged = DeployedFiles.Yaml($"kubernetes/{Kustomization}").Single()["images"][0];
        Assert.Equal(image["Properties"]!["ContainerRepository"]!.GetValue<string>(), Container.Image);
        Assert.Equal((Container.Image, image["Properties"]!["ContainerImageTag"]!.GetValue<string>()), (tagged["name"].ToString(), tagged["newTag"].ToString()));
        Assert.Equal(image["Properties"]!["ContainerUser"]!.GetValue<string>(), $"{Pod.SecurityContext.RunAsUser}");
        Assert.Equal(
            image["Items"]!["ContainerPort"]!.AsArray().Select(port => port!["Identity"]!.GetValue<string>()),
            Container.Ports.Select(port => $"{port.ContainerPort}"));
        Assert.Equal(
            (true, true, false),
            (Pod.SecurityContext.RunAsNonRoot, Container.SecurityContext.ReadOnlyRootFilesystem, Container.SecurityContext.AllowPrivilegeEscalation));
        Assert.Equal(["ALL"], Container.SecurityContext.Capabilities.Drop);
        Assert.Equal(["cpu", "memory"], Container.Resources.Limits.Keys.Order());
        Assert.Equal(["cpu", "memory"], Container.Resources.Requests.Keys.Order());
    }

    [Fact]
    public void The_host_starts_with_its_variables_and_is_given_the_time_to_stop()
    {
        var configuration = One<V1ConfigMap>();
        Assert.Equal(
            [configuration.Metadata.Name, "payout-manager"],
            Container.EnvFrom.Select(from => from.ConfigMapRef?.Name ?? from.SecretRef.Name));

        var settings = DeployedFiles.Settings(
            [.. configuration.Data, KeyValuePair.Create("ConnectionStrings__Payouts", "Host=db;Username=payouts;Password=p;Database=payouts")]);

        Assert.Equal(TimeSpan.FromSeconds(5), settings.Shutdown.Delay);
        Assert.True(TimeSpan.FromSeconds(Pod.TerminationGracePeriodSeconds!.Value) > settings.Shutdown.Total);
    }

    [Fact]
    public void Probes_ask_what_the_host_answers()
    {
        Assert.Equal("/health/live", Container.StartupProbe.HttpGet.Path);
        Assert.Equal("/health/live", Container.LivenessProbe.HttpGet.Path);
        Assert.Equal("/health/ready", Container.ReadinessProbe.HttpGet.Path);
        Assert.All(
            [Container.StartupProbe, Container.LivenessProbe, Container.ReadinessProbe],
            probe => Assert.Equal(8023, Container.Ports.Single(port => port.Name == probe.HttpGet.Port).ContainerPort));
    }

    [Fact]
    public void Selectors_find_the_pods_and_only_payouts_are_offered_to_everybody()
    {
        var labels = Deployment.Spec.Template.Metadata.Labels;
        Assert.All(
            [
                Deployment.Spec.Selector.MatchLabels, One<V1Service>().Spec.Selector,
                One<V1PodDisruptionBudget>().Spec.Selector.MatchLabels, One<V1NetworkPolicy>().Spec.PodSelector.MatchLabels,
            ],
            selector => Assert.Equal(labels, selector));

        Assert.Equal("thrift", One<V1Service>().Spec.Ports.Single().TargetPort.Value);
        Assert.Equal(
            ["thrift", "management"], One<V1NetworkPolicy>().Spec.Ingress.Select(rule => rule.Ports.Single().Port.Value));
        Assert.Equal([true, false], One<V1NetworkPolicy>().Spec.Ingress.Select(rule => rule.FromProperty is null));
        Assert.True(int.Parse(One<V1PodDisruptionBudget>().Spec.MinAvailable.Value, System.Globalization.CultureInfo.InvariantCulture) < Deployment.Spec.Replicas);
    }

    private static T One<T>() => Manifests.Values.OfType<T>().Single();
}
