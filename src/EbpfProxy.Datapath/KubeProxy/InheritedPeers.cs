using System.Buffers.Binary;
using System.Globalization;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Conntrack;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Sockets;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>
/// Lets unconnected sockets of UDP keep the backends that rules of kube-proxy gave them. Their next datagram comes to our
/// programs before connection tracking sees it; what they asked so far stands in its entries, and is put into the table of
/// peers before the first program is attached that would choose. A connected socket, and one of TCP, asks no more.
/// </summary>
/// <param name="tables">The services, written.</param>
/// <param name="peers">What sockets got.</param>
/// <param name="tallies">What services did.</param>
/// <param name="counters">What the programs count.</param>
/// <param name="namespaces">The network namespaces of the machine.</param>
/// <param name="logger">The log.</param>
internal sealed class InheritedPeers(
    TableSet tables, PeerTable peers, TallyTable tallies, BpfMap counters, NetworkNamespaces namespaces, ILogger logger)
{
    /// <summary>What an entry of connection tracking says: who asked what, and which backend answers.</summary>
    private sealed record Flow(Address Client, ushort ClientPort, PeerValue Peer);

    /// <summary>A socket, where it is, and what it asked.</summary>
    private sealed record Asker(ulong Cookie, NetworkNamespace Place, List<PeerValue> Asked);

    /// <summary>
    /// To be called when the program is attached that removes what closed sockets had, and before those that add to the same
    /// table, which does not grow meanwhile.
    /// </summary>
    public void Take()
    {
        try
        {
            var flows = ReadFlows();
            if (flows.Count == 0)
            {
                return;
            }

            var sockets = FindSockets(flows);
            Log.InheritingSocketsFound(logger, sockets.Count);
            int count = Write(sockets);
            if (count > 0)
            {
                Log.PeersInherited(logger, count);
            }
        }
        catch (IOException e)
        {
            Log.PeersNotInherited(logger, e.Message);
        }
    }

    private List<Flow> ReadFlows()
    {
        List<Flow> flows = [];
        if (!ConntrackNetlink.HasEntries())
        {
            return flows;
        }

        var backends = new Lazy<Dictionary<(uint Service, AddressKey Address, ushort Port), uint>>(ReadBackends);
        using var conntrack = new ConntrackNetlink();
        conntrack.ReadAll((in ConntrackFlow flow) =>
        {
            if (flow is { IsTranslated: true, IsOfZone: false, Original.Protocol: (byte)Protocol.Udp } && ToPeer(flow, backends) is { } peer)
            {
                flows.Add(new Flow(flow.Original.Source, flow.Original.SourcePort, peer));
            }
        });
        return flows;
    }

    private Dictionary<(uint Service, AddressKey Address, ushort Port), uint> ReadBackends()
    {
        var backends = new Dictionary<(uint, AddressKey, ushort), uint>();
        for (uint id = 0; id < tables.Backends.Capacity; id++)
        {
            var backend = tables.Backends.Read(id);
            if (backend.State.Use.HasFlag(BackendUse.Serving))
            {
                backends[(backend.Service, backend.Address, backend.Port)] = id;
            }
        }

        return backends;
    }

    /// <summary>What the program would have kept; null where the flow is of no service, or of a backend that left.</summary>
    private PeerValue? ToPeer(in ConntrackFlow flow, Lazy<Dictionary<(uint Service, AddressKey Address, ushort Port), uint>> backends)
    {
        var asked = flow.Original;
        var answering = AddressKey.From(flow.Reply.Source);
        if (!TryFindFrontend(asked.Destination, asked.DestinationPort, out var frontend)
            || !backends.Value.TryGetValue((frontend.Service, answering, flow.Reply.SourcePort), out uint id))
        {
            return null;
        }

        return new PeerValue
        {
            Frontend = AddressKey.From(asked.Destination),
            Backend = answering,
            FrontendPortBe = BinaryPrimitives.ReverseEndianness(asked.DestinationPort),
            BackendPortBe = BinaryPrimitives.ReverseEndianness(flow.Reply.SourcePort),
            Protocol = (byte)Protocol.Udp,
            Service = frontend.Service,
            BackendId = id,
            BackendGeneration = tables.Backends.Read(id).State.Generation,
        };
    }

    private bool TryFindFrontend(Address address, ushort port, out FrontendValue frontend) =>
        tables.Frontends.TryRead(FrontendKey.From(address, port, Protocol.Udp), out frontend)
        || tables.Frontends.TryRead(FrontendKey.From(Address.AnyOf(address.Family), port, Protocol.Udp), out frontend);

    /// <summary>What each socket asked.</summary>
    private List<Asker> FindSockets(List<Flow> flows)
    {
        var byPort = flows.ToLookup(flow => flow.ClientPort);
        var clients = flows.Select(flow => flow.Client).ToHashSet();
        var found = new Dictionary<ulong, Asker>();
        foreach (var place in namespaces.Find())
        {
            InvokeIn(place, () => FindSockets(place, clients, byPort, found));
        }

        return [.. found.Values];
    }

    /// <summary>Those of the namespace that the calling thread is in.</summary>
    private static void FindSockets(
        NetworkNamespace place, HashSet<Address> clients, ILookup<ushort, Flow> byPort, Dictionary<ulong, Asker> found)
    {
        HashSet<Address> own;
        using (var netlink = new RouteNetlink())
        {
            own = [.. netlink.ReadAddresses().Select(address => address.Address).Where(clients.Contains)];
        }

        if (own.Count == 0)
        {
            return;
        }

        // One without an inode is closed already, or the kernel's own: nothing would remove what it has.
        foreach (var socket in SocketDump.Read(Protocol.Udp).Where(socket => socket.State == TcpState.Close && socket.Inode != 0))
        {
            foreach (var flow in byPort[socket.LocalPort].Where(flow => own.Contains(flow.Client) && (socket.IsOfAnyAddress || socket.Local == flow.Client)))
            {
                if (!found.TryGetValue(socket.Cookie, out var of))
                {
                    found.Add(socket.Cookie, of = new Asker(socket.Cookie, place, []));
                }

                of.Asked.Add(flow.Peer with { NetworkNamespace = place.Cookie });
            }
        }
    }

    /// <summary>How many backends sockets keep by it.</summary>
    private int Write(List<Asker> sockets)
    {
        var rows = new InheritedRows(peers, tallies);
        var written = sockets.Select(socket => (Socket: socket, Count: rows.Write(socket.Cookie, socket.Asked))).Where(row => row.Count > 0).ToList();
        if (rows.IsFull)
        {
            Log.PeersNotInherited(logger, $"more than {rows.Added} flows are tracked");
        }

        // What removes the rows of a socket that is closed ran before there were any where it was closed since it was found.
        var closed = FindClosed([.. written.Select(row => row.Socket)]);
        int removed = closed.Sum(rows.Remove);
        Count(rows.Added - removed);
        return written.Where(row => !closed.Contains(row.Socket.Cookie)).Sum(row => row.Count);
    }

    /// <summary>Those of the sockets that are there no more.</summary>
    private HashSet<ulong> FindClosed(List<Asker> sockets)
    {
        HashSet<ulong> closed = [];
        foreach (var there in sockets.GroupBy(socket => socket.Place, socket => socket.Cookie))
        {
            List<NodeSocket> open = [];
            if (InvokeIn(there.Key, () => open = SocketDump.Read(Protocol.Udp)))
            {
                closed.UnionWith(there.Except(open.Select(socket => socket.Cookie)));
            }
        }

        return closed;
    }

    /// <summary>False where it failed. In a namespace that is gone there is nothing to do, and nothing that fails.</summary>
    private bool InvokeIn(NetworkNamespace place, Action action)
    {
        try
        {
            namespaces.TryInvoke(place, action);
            return true;
        }
        catch (IOException e)
        {
            Log.PeersNotInheritedThere(logger, place.Inode.ToString(CultureInfo.InvariantCulture), e.Message);
            return false;
        }
    }

    /// <summary>As the programs count what they add themselves, none of which is attached yet.</summary>
    private void Count(int written)
    {
        var reasons = new BpfPerCpuArrayMap<ulong>(counters);
        ulong[] values = reasons.Read((int)Reason.PeerAdded);
        values[0] += (ulong)written;
        reasons.Write((int)Reason.PeerAdded, values);
    }
}
