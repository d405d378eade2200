using System.Globalization;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>A pinned link to a device: where it is, and which device it was made for.</summary>
internal readonly record struct DevicePin(string Path, TrafficDirection Direction, int Device);

/// <summary>
/// The pins of what is at devices, below the folder of links: <c>devices/egress-7-eth0</c> is a link, and the folder
/// <c>clsact/7-eth0</c> says that the clsact qdisc of that device is ours.
/// </summary>
internal sealed class DevicePins(string links)
{
    private readonly string _devices = Path.Combine(links, "devices");
    private readonly string _qdiscs = Path.Combine(links, "clsact");

    public string PathOf(TrafficDirection direction, int device, string name)
    {
        Directory.CreateDirectory(_devices);
        return Path.Combine(_devices, $"{DeviceProgramNames.Word(direction)}-{Key(device, name)}");
    }

    /// <summary>All that are there, whoever left them.</summary>
    public IReadOnlyList<DevicePin> Read() => Directory.Exists(_devices)
        ? [.. Directory.EnumerateFiles(_devices).Order().Select(Parse).OfType<DevicePin>()]
        : [];

    public void MarkQdisc(int device, string name) => Directory.CreateDirectory(Path.Combine(_qdiscs, Key(device, name)));

    public bool IsQdiscMarked(int device) => MarkersOf(device).Any();

    public void UnmarkQdisc(int device)
    {
        foreach (string marker in MarkersOf(device).ToArray())
        {
            Directory.Delete(marker);
        }
    }

    /// <summary>The devices whose qdiscs are marked.</summary>
    public IReadOnlySet<int> ReadMarkedQdiscs() => Directory.Exists(_qdiscs)
        ? Directory.EnumerateDirectories(_qdiscs).Select(path => DeviceOf(Path.GetFileName(path))).OfType<int>().ToHashSet()
        : [];

    private IEnumerable<string> MarkersOf(int device) => Directory.Exists(_qdiscs)
        ? Directory.EnumerateDirectories(_qdiscs, string.Create(CultureInfo.InvariantCulture, $"{device}-*"))
        : [];

    /// <summary>A BPF file system keeps names with a dot for itself, and names of devices may have one.</summary>
    private static string Key(int device, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"{device}-{name.Replace("%", "%25", StringComparison.Ordinal).Replace(".", "%2E", StringComparison.Ordinal)}");

    private static DevicePin? Parse(string path)
    {
        string name = Path.GetFileName(path);
        int dash = name.IndexOf('-', StringComparison.Ordinal);
        TrafficDirection? direction = name[..Math.Max(dash, 0)] switch
        {
            "ingress" => TrafficDirection.Ingress,
            "egress" => TrafficDirection.Egress,
            _ => null,
        };
        return direction is { } known && DeviceOf(name[(dash + 1)..]) is { } device ? new DevicePin(path, known, device) : null;
    }

    private static int? DeviceOf(string key) =>
        int.TryParse(key.AsSpan(0, Math.Max(key.IndexOf('-', StringComparison.Ordinal), 0)), NumberStyles.None, CultureInfo.InvariantCulture, out int device)
            ? device
            : null;
}
