using System.Buffers.Binary;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Whether connections may have a frontend whose address is in the tables no more: they live on, and the programs find
/// them only if they look for packets to any address. That costs a lookup, so it ends when none is left.
/// </summary>
internal sealed class FrontendLosses
{
    private readonly ConnectionMaps _maps;
    private int _losses;
    private int _lossesAtBegin;
    private bool _isFound;

    public FrontendLosses(ConnectionMaps maps)
    {
        // What happened before this process is not known.
        _maps = maps;
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
            _isFound = !isFrontend(
                connection.Frontend.ToAddress(), BinaryPrimitives.ReverseEndianness(connection.FrontendPortBe), (Protocol)connection.Protocol);
        }
    }

    /// <summary>After a pass over all connections: whether none of them is such, and no address went since it began.</summary>
    public void FinishPass()
    {
        if (!_isFound && _losses == _lossesAtBegin && _maps.State[0].HasOrphans != 0)
        {
            Volatile.Write(ref _maps.State[0].HasOrphans, 0);
            if (Volatile.Read(ref _losses) != _lossesAtBegin)
            {
                Volatile.Write(ref _maps.State[0].HasOrphans, 1);
            }
        }

        _lossesAtBegin = Volatile.Read(ref _losses);
        _isFound = false;
    }
}
