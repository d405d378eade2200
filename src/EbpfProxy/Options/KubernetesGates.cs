using System.Collections.Immutable;

namespace EbpfProxy.Options;

/// <summary>
/// Kubernetes' feature gates. An installer gives the same ones to every component: all that Kubernetes knows are accepted,
/// and one of them has a meaning here. What is not known is a warning and no more, as a later Kubernetes has others.
/// </summary>
internal static class KubernetesGates
{
    public const string ExternalIPs = "AllowServiceExternalIPs";

    /// <summary>They are on for good.</summary>
    private static readonly string[] _locked = ["MultiCIDRServiceAllocator", "NFTablesProxyMode", "PreferSameTrafficDistribution"];

    private static readonly HashSet<string> _known = [.. KubernetesGateNames.All, .. _locked, ExternalIPs];

    /// <summary>Adds those that a flag or a file sets; what makes no sense is told in kube-proxy's words.</summary>
    public static ImmutableSortedDictionary<string, bool> Read(ImmutableSortedDictionary<string, bool> gates, SettingValue value)
    {
        foreach (var (name, text) in value.AsPairs())
        {
            bool isOn = new SettingValue($"{value.Name}.{name}", [text], value.Problems).AsBool(otherwise: true);
            if (!_known.Contains(name))
            {
                value.Problems.Warn($"{value.Name}: unrecognized feature gate, which has no effect: {name}");
            }
            else if (!isOn && _locked.Contains(name))
            {
                value.Refuse($"cannot set feature gate {name} to false, feature is locked to true");
            }
            else
            {
                gates = gates.SetItem(name, isOn);
            }
        }

        return gates;
    }
}
