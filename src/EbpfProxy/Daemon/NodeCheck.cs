using EbpfProxy.Controller.Cache;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Options;

namespace EbpfProxy.Daemon;

/// <summary>
/// Looks whether the settings fit the node, once its Node object has addresses, or after kube-proxy's patience of 30
/// seconds without it. Nothing else waits for that: node IPs are taken up whenever they come.
/// </summary>
internal sealed class NodeCheck(
    ProxyOptions options, ClusterCache cache, Func<NodeNetwork> network, bool hasIPv6, TimeProvider time, ILogger logger) : BackgroundService
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    /// <summary>Whether the kernel has IPv6 here, as kube-proxy asks it.</summary>
    public static bool HasIPv6(string proc = "/proc")
    {
        string setting = Path.Combine(proc, "sys/net/ipv6/conf/all/disable_ipv6");
        return File.Exists(Path.Combine(proc, "net/if_inet6")) && !(File.Exists(setting) && File.ReadAllText(setting).Trim() == "1");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        long start = time.GetTimestamp();
        while (cache.Node is not { Addresses.IsEmpty: false } && options.NodeIPs.Count == 0 && time.GetElapsedTime(start) < _patience)
        {
            await Task.Delay(_interval, time, stoppingToken);
        }

        Look(cache.Node);
    }

    private void Look(ClusterNode? node)
    {
        var addresses = options.NodeIPs.Count > 0 ? [.. options.NodeIPs.Select(Address.From)] : node?.Addresses ?? [];
        var nodeIPs = NodeIPs.Detect(addresses, Address.From(options.BindAddress), network());
        if (nodeIPs.PrimaryFamily == IpFamily.IPv6 && !hasIPv6)
        {
            throw new InvalidOperationException("no support for primary IP family \"IPv6\"");
        }

        if (nodeIPs[nodeIPs.PrimaryFamily].IsLoopback)
        {
            Log.NoNodeIP(logger, nodeIPs[nodeIPs.PrimaryFamily]);
        }

        var problems = SanityRules.Check(options, nodeIPs.PrimaryFamily, hasIPv6, node?.PodPrefixes ?? []);
        foreach (var problem in problems)
        {
            Log.Incomplete(logger, problem.Message);
        }

        if (problems.FirstOrDefault(problem => problem.IsFatal) is { } fatal)
        {
            throw new InvalidOperationException($"kube-proxy configuration is incorrect: {fatal.Message}");
        }
    }
}
