namespace EbpfProxy.Model.Devices;

/// <summary>Which devices only pods of this node are behind, where that is how local traffic is told.</summary>
/// <param name="Bridge">The bridge of the pods; empty for none.</param>
/// <param name="NamePrefix">What the names of pods' devices begin with; empty for none.</param>
public sealed record LocalPodDevices(string Bridge, string NamePrefix)
{
    public static LocalPodDevices None { get; } = new("", "");

    public bool Includes(NodeDevice device, NodeNetwork network) =>
        (NamePrefix.Length > 0 && device.Name.StartsWith(NamePrefix, StringComparison.Ordinal))
        || (Bridge.Length > 0 && (device.Name == Bridge || (device.Master != 0 && network.FindDevice(device.Master)?.Name == Bridge)));
}
