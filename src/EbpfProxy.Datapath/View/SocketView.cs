using System.Buffers.Binary;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Sockets;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.Datapath.View;

/// <summary>What a socket of this node asked, and which backend it got.</summary>
/// <param name="Cookie">What the kernel knows the socket by.</param>
/// <param name="ServiceId">The id of its service in the tables.</param>
/// <param name="Service">Its service; null where that is gone.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Frontend">What it asked.</param>
/// <param name="Backend">What it got.</param>
/// <param name="IsConnected">Whether connect() asked; else a datagram did.</param>
/// <param name="Namespace">The inode of its network namespace; 0 where that is not known.</param>
/// <param name="State">How far the socket is.</param>
/// <param name="Inode">Its number among the open files of processes; 0 where it is not known, or no process has it.</param>
/// <param name="BytesSent">To the backend, by TCP: SYN and FIN count as a byte each. Null where the kernel does not tell.</param>
/// <param name="BytesReceived">From the backend, by TCP; null where the kernel does not tell.</param>
/// <param name="IsTallied">Whether those bytes are added to its service's tally when the connection ends.</param>
public sealed record SocketRow(
    ulong Cookie,
    uint ServiceId,
    ServiceKey? Service,
    Protocol Protocol,
    AddressPort Frontend,
    AddressPort Backend,
    bool IsConnected,
    ulong Namespace,
    TcpState State,
    uint Inode,
    ulong? BytesSent,
    ulong? BytesReceived,
    bool IsTallied);

/// <summary>
/// Reads the sockets that talk to services: who asked what from the pinned table of peers, how far they are from the
/// kernel, in the network namespaces that they are in. Needs no daemon, and changes nothing.
/// </summary>
public static class SocketView
{
    /// <exception cref="IOException">There are no tables below <paramref name="bpfFileSystem"/>.</exception>
    public static IReadOnlyList<SocketRow> Read(string bpfFileSystem)
    {
        string root = DatapathOptions.PinRootOf(bpfFileSystem);
        string folder = PinLayout.FindSockets(root)
            ?? throw new IOException($"no sockets of ebpf-proxy below {bpfFileSystem}: is it running on this node, with this --bpffs?");
        var names = ServiceNames.Read(PinLayout.FindTables(root));
        var peers = ReadPeers(folder);
        var sockets = FindSockets([.. peers.Values.Select(peer => peer.NetworkNamespace).Distinct()], [.. peers.Keys.Select(key => key.Socket)]);
        return [.. peers.Select(row => ToRow(row.Key, row.Value, names, sockets.GetValueOrDefault(row.Key.Socket)))];
    }

    /// <summary>The processes that have these sockets, by the sockets' inodes.</summary>
    /// <param name="sockets">The sockets.</param>
    /// <param name="processes">The folder that shows the node's processes: /proc, or where that of the node is mounted.</param>
    public static IReadOnlyDictionary<uint, SocketOwner> FindOwners(IEnumerable<SocketRow> sockets, string processes) =>
        SocketOwners.Find(sockets.Select(socket => socket.Inode).Where(inode => inode != 0).ToHashSet(), processes);

    private static SocketRow ToRow(PeerKey key, in PeerValue peer, Dictionary<uint, ServiceKey> names, (NodeSocket Socket, ulong Namespace) found) => new(
        key.Socket,
        peer.Service,
        names.TryGetValue(peer.Service, out var service) ? service : null,
        (Protocol)peer.Protocol,
        new AddressPort(peer.Frontend.ToAddress(), BinaryPrimitives.ReverseEndianness(peer.FrontendPortBe)),
        new AddressPort(peer.Backend.ToAddress(), BinaryPrimitives.ReverseEndianness(peer.BackendPortBe)),
        peer.Flags.HasFlag(PeerFlags.Connected),
        found.Namespace,
        found.Socket?.State ?? TcpState.Unknown,
        found.Socket?.Inode ?? 0,
        found.Socket?.BytesSent,
        found.Socket?.BytesReceived,
        peer.Flags.HasFlag(PeerFlags.UntilClosed));

    /// <summary>The records, those too that a growth of the table has not moved yet.</summary>
    internal static Dictionary<PeerKey, PeerValue> ReadPeers(string folder)
    {
        Dictionary<PeerKey, PeerValue> rows = [];
        using var slots = BpfMap.OpenPinned(Path.Combine(folder, TableNames.Slot(TableNames.Peers)));
        var tables = new BpfMapArray(slots);
        for (int slot = tables.Length; slot-- > 0;)
        {
            if (tables.TryGetId(slot, out uint id))
            {
                using var map = BpfMap.FromId(id);
                foreach (var (key, value) in new BpfHashMap<PeerKey, PeerValue>(map).Enumerate())
                {
                    rows[key] = value;
                }
            }
        }

        return rows;
    }

    /// <summary>The sockets of these cookies, looked for in the namespaces of these cookies; 0 stands for all.</summary>
    private static Dictionary<ulong, (NodeSocket Socket, ulong Namespace)> FindSockets(HashSet<ulong> namespaces, HashSet<ulong> wanted)
    {
        Dictionary<ulong, (NodeSocket Socket, ulong Namespace)> found = [];
        var places = new NetworkNamespaces(NullLogger.Instance);
        foreach (var place in wanted.Count == 0 ? [] : places.Find())
        {
            if (place.Cookie == 0 || namespaces.Contains(0) || namespaces.Contains(place.Cookie))
            {
                places.TryInvoke(place, () =>
                {
                    foreach (var socket in SocketDump.Read(Protocol.Tcp).Concat(SocketDump.Read(Protocol.Udp)).Where(one => wanted.Contains(one.Cookie)))
                    {
                        found[socket.Cookie] = (socket, place.Inode);
                    }
                });
            }
        }

        return found;
    }
}
