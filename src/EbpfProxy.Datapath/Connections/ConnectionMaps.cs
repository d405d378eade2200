using EbpfProxy.Datapath.Abi;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>The maps of bpf/include/connection_maps.h that the controller takes part in.</summary>
internal sealed class ConnectionMaps : IDisposable
{
    private readonly BpfMap[] _maps;

    /// <summary>Takes over the maps, and disposes of them with itself.</summary>
    public ConnectionMaps(BpfMap connections, BpfMap flows, BpfMap free, BpfMap unanswered)
    {
        _maps = [connections, flows, free, unanswered];
        Connections = new BpfArrayMap<ConnectionValue>(connections).MemoryMap();
        Flows = new BpfHashMap<FlowKey, FlowWord>(flows);
        Free = new BpfQueueMap<uint>(free);
        Unanswered = new BpfQueueMap<FlowWord>(unanswered);
    }

    /// <summary>id -> connection, in the memory that programs read and write.</summary>
    public BpfMappedArray<ConnectionValue> Connections { get; }

    public BpfHashMap<FlowKey, FlowWord> Flows { get; }

    public BpfQueueMap<uint> Free { get; }

    public BpfQueueMap<FlowWord> Unanswered { get; }

    /// <summary>Puts every id among the free ones; for maps that were just made.</summary>
    public void FillFree()
    {
        for (uint id = 0; id < Connections.Length; id++)
        {
            Free.TryPush(id);
        }
    }

    public void Dispose()
    {
        Connections.Dispose();
        Array.ForEach(_maps, map => map.Dispose());
    }
}
