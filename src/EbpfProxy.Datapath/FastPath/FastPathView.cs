using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>Reads which way connections go on this node, and what is in the way; needs no daemon, and changes nothing.</summary>
public static class FastPathView
{
    /// <summary>What the programs are told. Why not is looked for anew: the word alone does not say it.</summary>
    public static FastPathState Read(string bpfFileSystem)
    {
        if (PinLayout.FindConnections(DatapathOptions.PinRootOf(bpfFileSystem)) is not { } folder)
        {
            return new FastPathState(false, "there is no packet path");
        }

        using var map = BpfMap.OpenPinned(Path.Combine(folder, "path_states"));
        using var states = new BpfArrayMap<PathState>(map).MemoryMap();
        return states[0].GoesAround == (uint)PathAround.All
            ? new FastPathState(true, "")
            : new FastPathState(false, Find([]) ?? "switched off, or nobody looks for rules");
    }

    /// <summary>What keeps connections of these devices in the stack; null where nothing does.</summary>
    /// <param name="devices">As --devices has them.</param>
    public static string? Find(IReadOnlyList<string> devices)
    {
        try
        {
            var selection = new DeviceSelection(devices);
            var network = NodeNetworkWatcher.Read();
            NodeDevice[] selected = [.. network.Devices.Where(selection.Includes)];
            using var programs = new ForeignPrograms();
            return NetfilterRules.FindNftables()
                ?? NetfilterRules.FindLegacy()
                ?? programs.Find(selected)
                ?? SwitchPolicies.Find(selected, [.. network.BridgesOf(selected)])
                ?? IpsecPolicies.Find();
        }
        catch (IOException error)
        {
            return $"the kernel does not tell: {error.Message}";
        }
    }
}
