using System.CommandLine;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>The option that says where the processes of the node are seen.</summary>
internal static class HostProcOption
{
    /// <summary>Where the manifests mount them.</summary>
    private const string Mounted = "/host/proc";

    /// <summary>Where they are unless somebody says otherwise.</summary>
    public static string Default => Directory.Exists(Mounted) ? Mounted : ProxyOptions.DefaultHostProc;

    public static Option<string> Create() => new("--host-proc")
    {
        Description = $"Where the processes of the node are seen: {Mounted} where that is mounted, else {ProxyOptions.DefaultHostProc}",
        DefaultValueFactory = _ => Default,
        HelpName = ValueNames.Folder,
    };
}
