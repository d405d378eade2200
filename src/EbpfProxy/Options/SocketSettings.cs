using EbpfProxy.Datapath;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Options;

/// <summary>What the options come to for sockets.</summary>
internal static class SocketSettings
{
    private static readonly Prefix _loopback = Prefix.TryParse("127.0.0.0/8", out var prefix) ? prefix : default;

    public static SocketOptions From(ProxyOptions options) => new()
    {
        Translation = options.SocketTranslation,
        ReservesNodePorts = options.ReservesNodePorts,
        CountsBytes = options.CountsSocketBytes,
        LoopbackNodePorts = options.LocalhostNodePorts switch
        {
            LocalhostNodePorts.Off => LoopbackNodePorts.None,
            LocalhostNodePorts.Tcp4 => LoopbackNodePorts.Tcp4,
            LocalhostNodePorts.All => LoopbackNodePorts.All,
            LocalhostNodePorts.AsKubeProxy => HasThemInKubeProxy(options) ? LoopbackNodePorts.Tcp4 : LoopbackNodePorts.None,
        },
    };

    /// <summary>kube-proxy has them in its mode iptables, where the addresses of node ports cover loopback.</summary>
    private static bool HasThemInKubeProxy(ProxyOptions options) =>
        options is { Mode: "" or ProxyOptions.IptablesMode, IptablesLocalhostNodePorts: true, AreNodePortsOnPrimary: false }
        && (options.NodePortAddresses.Count == 0 || options.NodePortAddresses.Any(IsOnLoopback));

    private static bool IsOnLoopback(Prefix prefix) => _loopback.Contains(prefix.Address) || prefix.Contains(_loopback.Address);
}
