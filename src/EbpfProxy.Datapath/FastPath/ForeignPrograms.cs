using System.Globalization;
using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>Finds what others have put at devices of ours: programs, filters, and queues before pods.</summary>
internal sealed class ForeignPrograms : IDisposable
{
    /// <summary>What a virtual device has where nobody chose anything.</summary>
    private const string NoQueue = "noqueue";
    private const int NoSuchDevice = 19; // ENODEV

    private readonly TrafficControlNetlink _netlink = new();

    /// <summary>The names of programs that were seen, by the kernel's ids, which are not used again.</summary>
    private readonly Dictionary<uint, string> _names = [];

    /// <summary>What the first of them is, in words; null where there is none.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public string? Find(IReadOnlyCollection<NodeDevice> devices)
    {
        var hooks = _netlink.ReadHookKinds();
        var queues = _netlink.ReadQueueKinds();
        foreach (var device in devices)
        {
            // What goes into a pod at once waits in no queue.
            if (device.HasForeignPeer && queues.GetValueOrDefault(device.Index, NoQueue) is var queue && queue != NoQueue)
            {
                return $"queue {queue} at {device.Name}";
            }

            foreach (var direction in DeviceProgramNames.Order)
            {
                bool hasFilters = direction == TrafficDirection.Ingress ? hooks.ContainsKey(device.Index)
                    : hooks.GetValueOrDefault(device.Index) == TrafficControlNetlink.Clsact;
                string? name = FindProgram(device, direction) ?? (hasFilters ? FindFilter(device, direction) : null);
                if (name is not null)
                {
                    return $"{name} at {device.Name} {DeviceProgramNames.Word(direction)}";
                }
            }
        }

        return null;
    }

    public void Dispose() => _netlink.Dispose();

    private string? FindProgram(NodeDevice device, TrafficDirection direction)
    {
        try
        {
            string? name = BpfTcx.ReadProgramIds(device.Index, direction).Select(NameOf)
                .FirstOrDefault(name => !DeviceProgramNames.IsOurs(name, direction));
            return name is null ? null : $"program {name}";
        }
        catch (BpfException e) when (e.Errno == NoSuchDevice)
        {
            // It went while it was looked at: it decides on nothing any more.
            return null;
        }
    }

    private string? FindFilter(NodeDevice device, TrafficDirection direction)
    {
        // A row without a handle stands for the priority of the others; its kind is in theirs too.
        var filter = _netlink.ReadFilters(device.Index, direction)
            .FirstOrDefault(filter => !ClsactAttacher.IsOurs(filter, direction) && (filter.Kind != "bpf" || filter.Handle != 0));
        return filter is null ? null : $"{filter.Kind} filter{(filter.Name.Length > 0 ? $" {filter.Name}" : "")}";
    }

    private string NameOf(uint program)
    {
        if (!_names.TryGetValue(program, out string? name))
        {
            using var opened = BpfProgram.TryFromId(program);
            name = opened is { Name.Length: > 0 } ? opened.Name : string.Create(CultureInfo.InvariantCulture, $"{program}");
            _names[program] = name;
        }

        return name;
    }
}
