using System.Runtime.InteropServices;
using EbpfProxy.Daemon;

namespace EbpfProxy.Commands;

/// <summary>What `--version` prints.</summary>
internal static class VersionText
{
    public static string Plain => ProxyDaemon.Version;

    public static string Raw =>
        $"ebpf-proxy {ProxyDaemon.Version}, .NET {Environment.Version}, linux/{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
}
