using System.Buffers.Binary;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Whether connections may have a frontend that is in the tables no more, or never was, or mask their client with a port
/// that is none for that any more: they live on, and the programs find them only if they look for packets to any address.
/// That costs a lookup, so it ends when none is left.
/// </summary>
internal sealed class FrontendLosses
{
    private readonly ConnectionMaps _maps;
    private readonly PortRange _sourcePorts;
    private int _losses;
    private int _lossesAtBegin;
    private uint _partedAtBegin;
    private bool _isFound;

    public FrontendLosses(ConnectionMaps maps, PortRange sourcePorts)
    {
        // What happened before this process is not known.
        _maps = maps;
        _sourcePorts = sourcePorts;
        Add();
    }

    public void Add()
    {
        Interlocked.Increment(ref _losses);
        Volatile.Write(ref _maps.State[0].HasOrphans, 1);
    }

    public void Visit(in ConnectionValue connection, Func<Address, ushort, Protocol, bool> isFrontend)
    {
        if (!_isFound && _maps.State[0].HasOrphans != 0)
        {
            _isFound = HasOtherSource(connection) || !isFrontend(
                connection.Frontend.ToAddress(), connection.FrontendPort, (Protocol)connection.Protocol);
        }
    }

    private bool HasOtherSource(in ConnectionValue connection) =>
        connection.Flags.HasFlag(ConnectionFlags.SourceChosen)
        && connection.Protocol != (byte)Protocol.Sctp
        && !_sourcePorts.Contains(BinaryPrimitives.ReverseEndianness(connection.SourcePortBe));

    /// <summary>After a pass over all connections: whether none of them is such, nor may have become one since it began.</summary>
    public void FinishPass()
    {
        if (!_isFound && IsAsAtBegin && _maps.State[0].HasOrphans != 0)
        {
            Volatile.Write(ref _maps.State[0].HasOrphans, 0);
            if (!IsAsAtBegin)
            {
                Volatile.Write(ref _maps.State[0].HasOrphans, 1);
            }
        }

        _lossesAtBegin = Volatile.Read(ref _losses);
        _partedAtBegin = Volatile.Read(ref _maps.State[0].Parted);
        _isFound = false;
    }

    private bool IsAsAtBegin =>
        Volatile.Read(ref _losses) == _lossesAtBegin && Volatile.Read(ref _maps.State[0].Parted) == _partedAtBegin;
}
