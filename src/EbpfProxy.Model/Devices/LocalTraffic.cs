using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Devices;

/// <summary>The numbers of <c>enum local_detection</c>.</summary>
public enum LocalDetection : byte
{
    /// <summary>No packet is known to be of a pod of this node.</summary>
    Unknown = 0,
    ByPrefix = 1,
    ByDevice = 2,
}

/// <summary>How packets of pods of this node are told from others; in a family without a prefix they cannot be.</summary>
public sealed record LocalTraffic(LocalDetection Detection, Prefix? IPv4, Prefix? IPv6, LocalPodDevices Devices)
{
    public static LocalTraffic Unknown { get; } = new(LocalDetection.Unknown, null, null, LocalPodDevices.None);

    /// <summary>By source address. Of each family the first prefix counts; without any nothing is known.</summary>
    public static LocalTraffic By(IReadOnlyList<Prefix> prefixes) => prefixes.Count == 0 ? Unknown : new(
        LocalDetection.ByPrefix,
        FirstOf(prefixes, IpFamily.IPv4),
        FirstOf(prefixes, IpFamily.IPv6),
        LocalPodDevices.None);

    /// <summary>By the device that it comes in by.</summary>
    public static LocalTraffic By(LocalPodDevices devices) => new(LocalDetection.ByDevice, null, null, devices);

    private static Prefix? FirstOf(IEnumerable<Prefix> prefixes, IpFamily family) =>
        prefixes.Where(prefix => prefix.Family == family).Select(prefix => (Prefix?)prefix).FirstOrDefault();
}
