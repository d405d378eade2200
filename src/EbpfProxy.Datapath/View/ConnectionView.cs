using System.Buffers.Binary;
using System.Diagnostics;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>How far a connection is, by what was seen of it.</summary>
public enum ConnectionState
{
    /// <summary>The client has not gone on after an answer.</summary>
    Opening,

    /// <summary>Both sides took part.</summary>
    Open,

    /// <summary>One side closed.</summary>
    HalfClosed,

    /// <summary>Both closed, or one reset it.</summary>
    Closed,
}

/// <summary>An address with a port.</summary>
public readonly record struct AddressPort(Address Address, ushort Port);

/// <summary>A connection that the packet path translates.</summary>
/// <param name="Id">Its place in the table.</param>
/// <param name="Service">Whose it is; null where the service is gone.</param>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="Client">Who asked.</param>
/// <param name="Frontend">What was asked.</param>
/// <param name="Backend">Who answers.</param>
/// <param name="Source">Whom the backend sees, where that is not the client.</param>
/// <param name="State">How far it is.</param>
/// <param name="Idle">How long nothing was seen of it, to about a second.</param>
/// <param name="BytesSent">To the backend, from the IP header on.</param>
/// <param name="BytesReceived">The same from the backend.</param>
public sealed record ConnectionRow(
    int Id,
    ServiceKey? Service,
    Protocol Protocol,
    AddressPort Client,
    AddressPort Frontend,
    AddressPort Backend,
    AddressPort? Source,
    ConnectionState State,
    TimeSpan Idle,
    ulong BytesSent,
    ulong BytesReceived);

/// <summary>Reads the connections of the packet path from the pinned maps; needs no daemon, and changes nothing.</summary>
public static class ConnectionView
{
    /// <exception cref="IOException">There are no connections below <paramref name="bpfFileSystem"/>.</exception>
    public static IReadOnlyList<ConnectionRow> Read(string bpfFileSystem)
    {
        string root = DatapathOptions.PinRootOf(bpfFileSystem);
        string folder = PinLayout.FindConnections(root)
            ?? throw new IOException($"no connections of ebpf-proxy below {bpfFileSystem}: is it running on this node, with this --bpffs?");
        var names = ServiceNames.Read(PinLayout.FindTables(root));
        using var map = BpfMap.OpenPinned(Path.Combine(folder, TableNames.Connections));
        using var connections = new BpfArrayMap<ConnectionValue>(map).MemoryMap();
        var now = Stopwatch.GetElapsedTime(0);
        List<ConnectionRow> rows = [];
        for (int id = 0; id < connections.Length; id++)
        {
            var one = connections[id];

            // Another generation afterwards: the id went to another connection meanwhile.
            if (one.Generation != 0 && one.Protocol != 0 && connections[id].Generation == one.Generation)
            {
                rows.Add(ToRow(id, one, names, now));
            }
        }

        return rows;
    }

    internal static ConnectionState StateOf(in ConnectionValue one)
    {
        var either = one.SeenAsk | one.SeenAnswer;
        var both = one.SeenAsk & one.SeenAnswer;
        return either.HasFlag(SeenFlags.Rst) || both.HasFlag(SeenFlags.Fin) ? ConnectionState.Closed
            : either.HasFlag(SeenFlags.Fin) ? ConnectionState.HalfClosed
            : one.IsAnswered ? ConnectionState.Open
            : ConnectionState.Opening;
    }

    private static ConnectionRow ToRow(int id, in ConnectionValue one, Dictionary<uint, ServiceKey> names, TimeSpan now)
    {
        bool isMasqueraded = one.Flags.HasFlag(ConnectionFlags.Masquerade) && one.Flags.HasFlag(ConnectionFlags.SourceChosen);
        var idle = now - TimeSpan.FromMicroseconds(one.LastSeenNs / 1000.0);
        return new ConnectionRow(
            id,
            names.TryGetValue(one.Service, out var service) ? service : null,
            (Protocol)one.Protocol,
            ToAddressPort(one.Client, one.ClientPortBe),
            ToAddressPort(one.Frontend, one.FrontendPortBe),
            ToAddressPort(one.Backend, one.BackendPortBe),
            isMasqueraded ? ToAddressPort(one.Source, one.SourcePortBe) : null,
            StateOf(one),
            idle > TimeSpan.Zero ? idle : TimeSpan.Zero,
            one.BytesAsk,
            one.BytesAnswer);
    }

    private static AddressPort ToAddressPort(AddressKey address, ushort portBe) => new(address.ToAddress(), BinaryPrimitives.ReverseEndianness(portBe));
}
