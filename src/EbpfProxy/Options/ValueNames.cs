namespace EbpfProxy.Options;

/// <summary>What help calls the value of a flag. Shells complete names of files and folders by these.</summary>
internal static class ValueNames
{
    public const string Any = "value";
    public const string File = "file";
    public const string Folder = "folder";
}
