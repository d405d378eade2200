using EbpfProxy.Model.Network;

namespace EbpfProxy.Options;

/// <summary>What has to hold between settings, or for one beyond its form.</summary>
internal static class OptionRules
{
    /// <summary>The kernel's limit of a device's name, with the zero at its end.</summary>
    private const int LongestDevice = 15;

    public static void Check(ProxyOptions options, Problems problems)
    {
        if (options.ClusterCidrs.Count > 2 || options.ClusterCidrs.CountBy(FamilyOf).Any(family => family.Value > 1))
        {
            problems.Error(problems.NameOf("clusterCIDR"), "at most one prefix a family is allowed, as in \"10.100.0.0/16,fde4:8dba:82e1::/48\"");
        }

        CheckDevice("detectLocal.bridgeInterface", options.BridgeInterface, options.DetectLocalMode == DetectLocalMode.BridgeInterface, problems);
        CheckDevice(
            "detectLocal.interfaceNamePrefix", options.InterfaceNamePrefix, options.DetectLocalMode == DetectLocalMode.InterfaceNamePrefix, problems);
        CheckPeriods(options, problems);
        if (options.MetricsPort == 0)
        {
            problems.Error(problems.NameOf("metricsBindAddress"), "Invalid value: \"\": must be IP:port");
        }

        if (options.MasqueradePorts.Overlaps(options.NodePortRange))
        {
            problems.Error(
                problems.NameOf("masqueradePorts"),
                $"{options.MasqueradePorts} must have no port of {problems.NameOf("serviceNodePortRange")}, which is {options.NodePortRange}");
        }

        if (options.Manifests is { } folder && !Directory.Exists(folder))
        {
            problems.Error("--manifests", $"there is no folder {folder}");
        }
    }

    private static void CheckDevice(string path, string name, bool isNeeded, Problems problems)
    {
        if (isNeeded && name.Length == 0)
        {
            problems.Error(problems.NameOf(path), $"must be set for this {problems.NameOf("detectLocalMode")}");
        }
        else if (name.Length > LongestDevice)
        {
            problems.Error(problems.NameOf(path), $"Invalid value: {name}: must have at most {LongestDevice} characters");
        }
    }

    /// <summary>Of the mode that counts: kube-proxy takes the others' as they are.</summary>
    private static void CheckPeriods(ProxyOptions options, Problems problems)
    {
        if (options.MinSyncPeriod > options.SyncPeriod)
        {
            string section = options.Mode switch
            {
                ProxyOptions.NftablesMode or ProxyOptions.OwnMode => "nftables",
                ProxyOptions.IpvsMode => "ipvs",
                _ => "iptables",
            };
            problems.Error(
                problems.NameOf($"{section}.syncPeriod"),
                $"Invalid value: {GoDuration.Format(options.SyncPeriod)}: must be greater than or equal to {problems.NameOf($"{section}.minSyncPeriod")}, " +
                $"which is {GoDuration.Format(options.MinSyncPeriod)}");
        }
    }

    private static IpFamily FamilyOf(Prefix prefix) => prefix.Address.Family;
}
