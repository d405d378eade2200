using System.Text;

namespace EbpfProxy.Testing.Cluster;

/// <summary>A folder of manifests, a file a service.</summary>
public sealed class ManifestDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("manifests-").FullName;

    /// <summary>Writes services, each in place of what was there under its name.</summary>
    public void Write(params IEnumerable<ManifestService> services)
    {
        foreach (var service in services)
        {
            WriteText(service.Name, new StringBuilder(service.ServiceJson()).Append("\n---\n").Append(service.SliceJson()).ToString());
        }
    }

    /// <summary>Writes a file as it is. It comes into place at once, as an editor does it.</summary>
    public void WriteText(string name, string yaml)
    {
        string path = System.IO.Path.Combine(Path, name + ".yaml");
        File.WriteAllText(path + ".new", yaml);
        File.Move(path + ".new", path, overwrite: true);
    }

    public void Delete(string name) => File.Delete(System.IO.Path.Combine(Path, name + ".yaml"));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
