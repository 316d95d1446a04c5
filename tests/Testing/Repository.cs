namespace PayoutManager.Testing;

/// <summary>Finds files of the project from where tests run.</summary>
public static class Repository
{
    /// <summary>The project's root folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A project's build output of the configuration that the tests run in.</summary>
    public static string BuildOutput(string project)
    {
        // .../tests/Some.Tests/bin/CONFIGURATION/FRAMEWORK/
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return Path.Combine(Root, project, "bin", framework.Parent!.Name, framework.Name);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PayoutManager.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No PayoutManager.sln above {AppContext.BaseDirectory}.");
    }
}
