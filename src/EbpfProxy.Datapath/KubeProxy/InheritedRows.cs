using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>
/// Writes what sockets asked beside the records that they have: a handback leaves those of before. A socket has one for a
/// frontend, and they stand in slots without a gap from 0 on, as bpf/socket/peer.h looks for them. Not beside growth of the table.
/// </summary>
internal sealed class InheritedRows(PeerTable peers, TallyTable tallies)
{
    /// <summary>The rest is for what programs add until the table is looked at and made larger.</summary>
    private readonly long _room = ((peers.Capacity - peers.Count()) / 2) - 1;

    /// <summary>How many rows there are more by it.</summary>
    public int Added { get; private set; }

    /// <summary>Whether rows were left out for want of room.</summary>
    public bool IsFull { get; private set; }

    /// <summary>How many backends the socket keeps by it.</summary>
    public int Write(ulong socket, IEnumerable<PeerValue> asked)
    {
        var known = Read(socket);
        int written = 0;

        // Two services that a socket knows by one backend cannot be told apart here: the second gets another one.
        foreach (var peer in asked.DistinctBy(FrontendOf).DistinctBy(BackendOf))
        {
            int slot = known.FindIndex(one => FrontendOf(one) == FrontendOf(peer));
            if (slot < 0 ? TryAdd(socket, known, peer) : TryReplace(socket, known, slot, peer))
            {
                Forget(socket, known, peer);
                written++;
            }
        }

        return written;
    }

    /// <summary>Removes all that a socket has, which is closed; how many rows.</summary>
    public int Remove(ulong socket)
    {
        int removed = 0;
        for (uint slot = 0; slot < PeerTable.PeersPerSocket; slot++)
        {
            var key = new PeerKey(socket, slot, 0);
            if (peers.TryRead(key, out var peer) && peers.Remove(key))
            {
                tallies.Close(peer.Service);
                removed++;
            }
        }

        return removed;
    }

    private static (AddressKey Address, ushort PortBe) FrontendOf(PeerValue peer) => (peer.Frontend, peer.FrontendPortBe);

    private static (AddressKey Address, ushort PortBe) BackendOf(PeerValue peer) => (peer.Backend, peer.BackendPortBe);

    private List<PeerValue> Read(ulong socket)
    {
        List<PeerValue> known = [];
        while (known.Count < PeerTable.PeersPerSocket && peers.TryRead(new PeerKey(socket, (uint)known.Count, 0), out var peer))
        {
            known.Add(peer);
        }

        return known;
    }

    private bool TryAdd(ulong socket, List<PeerValue> known, PeerValue peer)
    {
        if (known.Count == PeerTable.PeersPerSocket)
        {
            return false;
        }

        if (Added >= _room)
        {
            IsFull = true;
            return false;
        }

        var key = new PeerKey(socket, (uint)known.Count, 0);
        if (!peers.TryAdd(key, peer.WithStamp(key)))
        {
            return false;
        }

        known.Add(peer);
        tallies.Open(peer.Service);
        Added++;
        return true;
    }

    /// <summary>What it got last is what it talks to. Where it is the same there is nothing to write.</summary>
    private bool TryReplace(ulong socket, List<PeerValue> known, int slot, PeerValue peer)
    {
        var before = known[slot];
        var key = new PeerKey(socket, (uint)slot, 0);
        if ((before with { NetworkNamespace = peer.NetworkNamespace, Stamp = 0 }) == peer || !peers.TryReplace(key, peer.WithStamp(key)))
        {
            return false;
        }

        known[slot] = peer;
        tallies.Open(peer.Service);
        tallies.Close(before.Service);
        return true;
    }

    /// <summary>Answers of the backend come from this frontend now, and from none that the socket knew it by before.</summary>
    private void Forget(ulong socket, List<PeerValue> known, PeerValue peer)
    {
        for (int slot = 0; slot < known.Count; slot++)
        {
            if (BackendOf(known[slot]) == BackendOf(peer) && FrontendOf(known[slot]) != FrontendOf(peer))
            {
                var key = new PeerKey(socket, (uint)slot, 0);
                peers.TryReplace(key, (known[slot] with { Flags = known[slot].Flags | PeerFlags.Forgotten }).WithStamp(key));
            }
        }
    }
}
