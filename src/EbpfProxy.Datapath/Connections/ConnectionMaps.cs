using EbpfProxy.Datapath.Abi;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>The maps of bpf/include/connection_maps.h that the controller takes part in. It does not own them.</summary>
internal sealed class ConnectionMaps(BpfMap connections, BpfMap flows, BpfMap free, BpfMap unanswered, BpfMap state) : IDisposable
{
    /// <summary>id -> connection, in the memory that programs read and write.</summary>
    public BpfMappedArray<ConnectionValue> Connections { get; } = new BpfArrayMap<ConnectionValue>(connections).MemoryMap();

    /// <summary>A packet as one hook sees it -> its connection.</summary>
    public BpfHashMap<FlowKey, FlowWord> Flows { get; } = new(flows);

    /// <summary>The ids that are free.</summary>
    public BpfQueueMap<uint> Free { get; } = new(free);

    /// <summary>Connections in the order of opening.</summary>
    public BpfQueueMap<FlowWord> Unanswered { get; } = new(unanswered);

    /// <summary>The one record of words that programs and controller tell each other.</summary>
    public BpfMappedArray<PathState> State { get; } = new BpfArrayMap<PathState>(state).MemoryMap();

    public void Dispose()
    {
        Connections.Dispose();
        State.Dispose();
    }
}
