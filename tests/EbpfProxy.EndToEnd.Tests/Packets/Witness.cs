using System.Net;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>A program of somebody else at a device of a node, which notes what it sees and decides nothing.</summary>
internal sealed class Witness : IDisposable
{
    private readonly BpfObject _bpf = BpfObject.OpenFile(Path.Combine(AppContext.BaseDirectory, "Bpf", "witness.bpf.o"));
    private BpfLink? _link;

    private Witness() => _bpf.Load();

    private BpfProgram Program => _bpf.GetProgram("witness").Program;

    /// <summary>As a filter of clsact that lets all pass, and asks nobody after it.</summary>
    public static Witness ThatAcceptsAll(TestNode node, string device, TrafficDirection direction) =>
        At(node, device, (witness, index) => witness.AttachClsact("accept_all", index, direction, priority: 77));

    /// <summary>By tcx, before or after all programs that are there.</summary>
    public static Witness AtTcx(TestNode node, string device, TrafficDirection direction, TcxPosition position) => At(node, device, (witness, index) =>
        witness._link = BpfLink.AttachTcx(
            witness.Program, new TcxAttachOptions { InterfaceIndex = index, Direction = direction, Position = position }));

    /// <summary>As a filter of clsact, which goes with its device. The smaller priority comes first.</summary>
    public static Witness AtClsact(TestNode node, string device, TrafficDirection direction, uint priority = 77) =>
        At(node, device, (witness, index) => witness.AttachClsact("witness", index, direction, priority));

    /// <summary>How many packets it saw that went to an address.</summary>
    public uint Seen(string destination)
    {
        var seen = new BpfHashMap<uint, uint>(_bpf.GetMap("seen").Map);
        return seen.TryGet(BitConverter.ToUInt32(IPAddress.Parse(destination).GetAddressBytes()), out uint count) ? count : 0;
    }

    public void Dispose()
    {
        _link?.Dispose();
        _bpf.Dispose();
    }

    private void AttachClsact(string program, int index, TrafficDirection direction, uint priority)
    {
        BpfTrafficControl.EnsureClsact(index);
        BpfTrafficControl.Attach(
            _bpf.GetProgram(program).Program,
            new TrafficControlAttachOptions { InterfaceIndex = index, Direction = direction, Handle = 7, Priority = priority });
    }

    private static Witness At(TestNode node, string device, Action<Witness, int> attach)
    {
        var witness = new Witness();
        try
        {
            int index = int.Parse(
                Shell.Require("ip -n \"$1\" -o link show dev \"$2\" | cut -d: -f1", node.Network.Name, device),
                System.Globalization.CultureInfo.InvariantCulture);
            node.Network.Invoke(() => attach(witness, index));
            return witness;
        }
        catch
        {
            witness.Dispose();
            throw;
        }
    }
}
