namespace EbpfProxy.Testing.Kernel;

/// <summary>Where the sources are that these tests were built from; null where they are not.</summary>
public static class Repository
{
    /// <summary>The top folder.</summary>
    public static string? Path { get; } = Find();

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "EbpfProxy.sln")))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
