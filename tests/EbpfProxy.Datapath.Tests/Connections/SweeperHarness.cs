using System.Runtime.CompilerServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.Tests.Sync;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Node;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.Connections;

/// <summary>A sweeper on real maps, with a clock that the test moves.</summary>
public abstract class SweeperHarness : IDisposable
{
    private const int Capacity = 64;

    private static readonly TimeoutsValue _timeouts = new(
        TcpSyn: 120, TcpEstablished: 86400, TcpCloseWait: 3600, TcpClosing: 120, TcpClosed: 10, Udp: 30, UdpStream: 120, Sctp: 210);

    private readonly BpfMap[] _maps =
    [
        Make("connections", BpfMapType.Array, 4, 128, BpfMapFlags.MemoryMappable),
        Make("free", BpfMapType.Queue, 0, 4),
        Make("unanswered", BpfMapType.Queue, 0, 8),
        Make("closing", BpfMapType.Queue, 0, 8),
        Make("state", BpfMapType.Array, 4, (uint)Unsafe.SizeOf<PathState>(), BpfMapFlags.MemoryMappable),
        Make("hints", BpfMapType.Array, 4, 8, BpfMapFlags.MemoryMappable),
    ];

    // For the table of flows, and the program that changes it.
    private readonly BpfObject _object = BpfObject.Open(TcObject.Read(), "sweeper");
    private readonly FlowSecret _secret = FlowSecret.New();

    protected SweeperHarness()
    {
        Connections = new BpfArrayMap<ConnectionValue>(_maps[0]).MemoryMap();
        TcObject.LoadOnly(_object, [FlowTable.ChangeRowsProgram]);
        _object.SetGlobal("flow_secret", _secret);
        _object.Load();
        Table = new ConnectionMaps(
            _maps[0],
            new FlowTable(_object.GetMap(TableNames.Flows).Map, _object.GetProgram(FlowTable.ChangeRowsProgram).Program, _secret),
            _maps[1],
            _maps[2],
            _maps[3],
            _maps[4]);
        Hints = new AddressHints(_maps[5]) { AreTablesWhole = true };
        Sweeper = new ConnectionSweeper(Table, Hints, GracePeriods, _timeouts, new PortRange(1024, 29999), Clock, Freed.Add);
    }

    private protected BpfMappedArray<ConnectionValue> Connections { get; }

    private protected ConnectionMaps Table { get; }

    private protected AddressHints Hints { get; }

    private protected FakeGracePeriods GracePeriods { get; } = new();

    private protected StoppedClock Clock { get; } = new();

    private protected ConnectionSweeper Sweeper { get; }

    /// <summary>The connections that were freed, as they were.</summary>
    private protected List<ConnectionValue> Freed { get; } = [];

    /// <summary>Whether each connection has its frontend.</summary>
    protected bool HasFrontend { get; set; } = true;

    /// <summary>Whether who asks anew gets a backend of another service than this.</summary>
    protected Func<uint, bool> HasTurned { get; set; } = _ => false;

    /// <summary>The addresses that the node has no more.</summary>
    private protected HashSet<Address> Lost { get; } = [];

    public void Dispose()
    {
        Hints.Dispose();
        Table.Dispose();
        Connections.Dispose();
        Array.ForEach(_maps, map => map.Dispose());
        _object.Dispose();
        GC.SuppressFinalize(this);
    }

    private static BpfMap Make(string name, BpfMapType type, uint key, uint value, BpfMapFlags flags = BpfMapFlags.None) => BpfMap.Create(
        new BpfMapOptions { Name = name, Type = type, KeySize = key, ValueSize = value, MaxEntries = name switch { "state" => 1, "hints" => (1 << AddressHints.HashBits) / 64, _ => Capacity * 4 }, Flags = flags });

    protected void Sweep(int passes)
    {
        for (int i = 0; i < passes; i++)
        {
            Step(Sweeper.Capacity);
        }
    }

    protected void Step(int count) => Sweeper.Step(count, (_, _, _) => HasFrontend, (_, _, _, service) => HasTurned(service), address => !Lost.Contains(address));

    private protected void Open(int id, SeenFlags ask, SeenFlags answer, ConnectionFlags flags = ConnectionFlags.None, uint generation = 1)
    {
        var connection = new ConnectionValue(
            AddressKey.From(Address.FromIPv4(0xc0000201)),
            AddressKey.From(Address.FromIPv4(0x0a600001)),
            AddressKey.From(Address.FromIPv4(0x0a000001)),
            AddressKey.From(Address.FromIPv4(0x0a0000fe)),
            (ushort)id,
            (ushort)id,
            1,
            2,
            (ushort)id,
            (ask & (SeenFlags.Ack | SeenFlags.Rst | SeenFlags.Fin)) != 0 ? (byte)Protocol.Tcp : (byte)Protocol.Udp,
            flags | ConnectionFlags.Masquerade,
            1,
            1,
            1,
            1,
            generation,
            ask,
            answer,
            0,
            0,
            0,
            (ulong)Clock.GetTimestamp(),
            0,
            0);
        Connections[id] = connection;
        foreach (var (role, key) in ConnectionFlows.Of(connection))
        {
            Table.Flows.Update(key, new FlowWord((uint)id, generation, role));
        }
    }

    protected List<uint> FreeIds()
    {
        var ids = new List<uint>();
        while (Table.Free.TryPop(out uint id))
        {
            ids.Add(id);
        }

        return ids;
    }

    /// <summary>The digests of the rows that there are.</summary>
    private protected List<ulong> Flows() => [.. Table.Flows.ReadAll().Select(row => row.Digest)];
}
