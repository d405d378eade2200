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

    /// <summary>
    /// To be called when the program is attached that removes what closed sockets had, and before those that add to the same
    /// table.
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

            int count = Write(FindSockets(flows));
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
    private Dictionary<ulong, List<PeerValue>> FindSockets(List<Flow> flows)
    {
        var byPort = flows.ToLookup(flow => flow.ClientPort);
        var clients = flows.Select(flow => flow.Client).ToHashSet();
        var found = new Dictionary<ulong, List<PeerValue>>();
        foreach (var place in namespaces.Find())
        {
            try
            {
                namespaces.TryInvoke(place, () => FindSockets(place, clients, byPort, found));
            }
            catch (IOException e)
            {
                Log.PeersNotInheritedThere(logger, place.Inode.ToString(CultureInfo.InvariantCulture), e.Message);
            }
        }

        return found;
    }

    /// <summary>Those of the namespace that the calling thread is in.</summary>
    private static void FindSockets(
        NetworkNamespace place, HashSet<Address> clients, ILookup<ushort, Flow> byPort, Dictionary<ulong, List<PeerValue>> found)
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

        foreach (var socket in SocketDump.Read(Protocol.Udp).Where(socket => socket.State == TcpState.Close))
        {
            foreach (var flow in byPort[socket.LocalPort].Where(flow => own.Contains(flow.Client) && (socket.IsOfAnyAddress || socket.Local == flow.Client)))
            {
                if (!found.TryGetValue(socket.Cookie, out var of))
                {
                    found.Add(socket.Cookie, of = []);
                }

                of.Add(flow.Peer with { NetworkNamespace = place.Cookie });
            }
        }
    }

    private int Write(Dictionary<ulong, List<PeerValue>> sockets)
    {
        // From half of its size on the table is made larger, and rows that are added meanwhile could be lost.
        int room = (int)(peers.Capacity / 2) - 1;
        int written = 0;
        foreach (var (socket, asked) in sockets)
        {
            // Two services that a socket knows by one backend cannot be told apart here: the second gets another one.
            uint slot = 0;
            foreach (var peer in asked.DistinctBy(peer => (peer.Backend, peer.BackendPortBe)).Take(Math.Min(PeerTable.PeersPerSocket, room - written)))
            {
                var key = new PeerKey(socket, slot, 0);
                if (peers.TryAdd(key, peer.WithStamp(key)))
                {
                    tallies.Open(peer.Service);
                    slot++;
                    written++;
                }
            }
        }

        if (written == room)
        {
            Log.PeersNotInherited(logger, $"more than {room} flows are tracked");
        }

        Count(written);
        return written;
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
