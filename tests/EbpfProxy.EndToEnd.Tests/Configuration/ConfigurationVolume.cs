using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Configuration;

/// <summary>A ConfigMap as a volume: every file is a link into "..data", a link that is swapped when the ConfigMap changes.</summary>
internal sealed class ConfigurationVolume : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("config-").FullName;
    private int _version;

    public ConfigurationVolume(string text)
    {
        Swap(text);
        Shell.Require("ln -s ..data/config.conf \"$1/config.conf\"", _folder);
    }

    /// <summary>config.conf, as kubeadm calls it.</summary>
    public string Path => System.IO.Path.Combine(_folder, "config.conf");

    public void Swap(string text)
    {
        string version = $"..{++_version}";
        Directory.CreateDirectory(System.IO.Path.Combine(_folder, version));
        File.WriteAllText(System.IO.Path.Combine(_folder, version, "config.conf"), text);
        Shell.Require("ln -s \"$2\" \"$1/..data_tmp\" && mv -T \"$1/..data_tmp\" \"$1/..data\"", _folder, version);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
