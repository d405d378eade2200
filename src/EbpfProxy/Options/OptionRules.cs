using EbpfProxy.Model.Network;

namespace EbpfProxy.Options;

/// <summary>What has to hold between settings, or for one beyond its form.</summary>
internal static class OptionRules
{
    public static void Check(ProxyOptions options, Problems problems)
    {
        if (options.ClusterCidrs.Count > 2 || options.ClusterCidrs.CountBy(FamilyOf).Any(family => family.Value > 1))
        {
            problems.Error("clusterCIDR", "at most one prefix a family is allowed");
        }

        if (options.DetectLocalMode == DetectLocalMode.BridgeInterface && options.BridgeInterface.Length == 0)
        {
            problems.Error("detectLocal.bridgeInterface", "must be set for detectLocalMode BridgeInterface");
        }

        if (options.DetectLocalMode == DetectLocalMode.InterfaceNamePrefix && options.InterfaceNamePrefix.Length == 0)
        {
            problems.Error("detectLocal.interfaceNamePrefix", "must be set for detectLocalMode InterfaceNamePrefix");
        }

        if (options.MasqueradePorts.Overlaps(options.NodePortRange))
        {
            problems.Error(
                "masqueradePorts",
                $"{options.MasqueradePorts} must have no port of --service-node-port-range, which is {options.NodePortRange}");
        }

        if (options.Manifests is { } folder && !Directory.Exists(folder))
        {
            problems.Error("--manifests", $"there is no folder {folder}");
        }
    }

    private static IpFamily FamilyOf(Prefix prefix) => prefix.Address.Family;
}
