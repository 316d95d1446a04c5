namespace PayoutManager.Host.Tests.Deployment;

/// <summary>Tests that build images: one at a time, since they build the same projects.</summary>
[CollectionDefinition(Name)]
public sealed class ImageBuild
{
    public const string Name = "image build";
}
