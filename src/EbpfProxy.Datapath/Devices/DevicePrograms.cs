using EbpfProxy.Model.Devices;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Devices;

/// <summary>
/// Keeps the programs at every device that they belong to. A device that will not have them is told of once and tried
/// again; the others do not suffer from it.
/// </summary>
internal sealed class DevicePrograms(
    IDeviceAttacher attacher, Func<TrafficDirection, LinkHeader, BpfProgram> programs, ILogger logger) : IDisposable
{
    private readonly HashSet<(int Device, string Name)> _attached = [];
    private readonly Dictionary<int, string> _failures = [];
    private bool _isFirst = true;

    /// <summary>How many devices have the programs.</summary>
    public int AttachedCount => _attached.Count;

    /// <summary>The names of those that should have them and do not. May be read from any thread.</summary>
    public IReadOnlyList<string> Failed { get; private set; } = [];

    /// <summary>Attaches, adopts, renames and removes, so that the programs are where they belong.</summary>
    /// <param name="wanted">The devices that shall have them.</param>
    /// <param name="isThorough">Whether those that were attached are looked at, too: somebody may have taken a program away.</param>
    public void Update(IReadOnlyList<NodeDevice> wanted, bool isThorough)
    {
        var changed = wanted.Where(device => isThorough || !_attached.Contains((device.Index, device.Name))).ToArray();
        var failures = new Dictionary<int, string>();
        int attached = 0, replaced = 0;
        if (changed.Length > 0)
        {
            attacher.Look();
        }

        // All of them first: to load some takes time, in which no device shall have one of another build than the other.
        foreach (var device in changed)
        {
            TryFind(device, failures);
        }

        foreach (var direction in DeviceProgramNames.Order)
        {
            foreach (var device in changed.Where(device => !failures.ContainsKey(device.Index)))
            {
                var result = TryEnsure(device, direction, failures);
                attached += result == AttachResult.Attached ? 1 : 0;
                replaced += result == AttachResult.Replaced ? 1 : 0;
            }
        }

        var indexes = wanted.Select(device => device.Index).ToHashSet();
        if (_isFirst || _attached.Any(device => !indexes.Contains(device.Device)))
        {
            attacher.RemoveOthers(indexes);
        }

        _isFirst = false;
        _attached.Clear();
        _attached.UnionWith(wanted.Where(device => !failures.ContainsKey(device.Index)).Select(device => (device.Index, device.Name)));
        Report(wanted, failures);
        if (attached + replaced > 0)
        {
            Log.DevicesAttached(logger, attached, replaced, _attached.Count);
        }
    }

    public void Dispose() => attacher.Dispose();

    private BpfProgram Find(NodeDevice device, TrafficDirection direction)
    {
        var header = DeviceSelection.HeaderOf(device) ?? throw new InvalidOperationException($"{device.Name} is none that is selected");
        return programs(direction, header);
    }

    private void TryFind(NodeDevice device, Dictionary<int, string> failures)
    {
        try
        {
            foreach (var direction in DeviceProgramNames.Order)
            {
                _ = Find(device, direction);
            }
        }
        catch (IOException error)
        {
            failures[device.Index] = error.Message;
        }
    }

    private AttachResult? TryEnsure(NodeDevice device, TrafficDirection direction, Dictionary<int, string> failures)
    {
        try
        {
            return attacher.Ensure(device, direction, Find(device, direction));
        }
        catch (IOException error)
        {
            failures[device.Index] = error.Message;
            if (direction != DeviceProgramNames.Order[0])
            {
                RemoveHalf(device);
            }

            return null;
        }
    }

    /// <summary>With one of the two a device is worse than with none.</summary>
    private void RemoveHalf(NodeDevice device)
    {
        try
        {
            foreach (var direction in DeviceProgramNames.Order.Reverse())
            {
                attacher.Remove(device.Index, direction);
            }
        }
        catch (IOException)
        {
            // It is tried again with the rest.
        }
    }

    private void Report(IReadOnlyList<NodeDevice> wanted, Dictionary<int, string> failures)
    {
        foreach (var device in wanted)
        {
            bool isNew = failures.TryGetValue(device.Index, out string? failure) && _failures.GetValueOrDefault(device.Index) != failure;

            // A device may go while it is looked at: that it cannot have the programs then is nobody's concern.
            if (isNew && NodeHas(device))
            {
                Log.DeviceFailed(logger, device.Name, failure!);
            }
        }

        _failures.Clear();
        foreach (var (device, failure) in failures)
        {
            _failures[device] = failure;
        }

        Failed = [.. wanted.Where(device => failures.ContainsKey(device.Index)).Select(device => device.Name).Order(StringComparer.Ordinal)];
    }

    private static bool NodeHas(NodeDevice device) => Node.NodeNetworkWatcher.Read().FindDevice(device.Index) is not null;
}
