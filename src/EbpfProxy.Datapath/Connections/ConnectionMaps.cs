using System.Runtime.CompilerServices;
using EbpfProxy.Datapath.Abi;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// The maps of bpf/include/connection_maps.h that the controller takes part in. It does not own them. Not thread-safe.
/// </summary>
internal sealed class ConnectionMaps(BpfMap connections, FlowTable flows, BpfMap free, BpfMap unanswered, BpfMap closing, BpfMap state) : IDisposable
{
    // In struct connection.
    private const nint ProtocolOffset = 74;
    private const nint GenerationOffset = 92;

    // All of the connections would count to the resident memory of the daemon: so only those are mapped that are written.
    private const int WindowLength = 32;

    private readonly BpfArrayMap<ConnectionValue> _connections = new(connections);
    private BpfMappedArray<ConnectionValue>? _window;

    /// <summary>How many connections there is room for.</summary>
    public int Capacity => _connections.Length;

    /// <summary>A packet as one hook sees it -> its connection.</summary>
    public FlowTable Flows => flows;

    /// <summary>The ids that are free.</summary>
    public BpfQueueMap<uint> Free { get; } = new(free);

    /// <summary>Connections in the order of opening.</summary>
    public BpfQueueMap<FlowWord> Unanswered { get; } = new(unanswered);

    /// <summary>Connections in the order of closing.</summary>
    public BpfQueueMap<FlowWord> Closing { get; } = new(closing);

    /// <summary>The one record of words that programs and controller tell each other.</summary>
    public BpfMappedArray<PathState> State { get; } = new BpfArrayMap<PathState>(state).MemoryMap();

    public ConnectionValue Read(int id) => _connections[id];

    /// <summary>Reads the connections from <paramref name="first"/> on.</summary>
    public void Read(int first, Span<ConnectionValue> connections) => _connections.Read(first, connections);

    /// <summary>Ends the connection that has an id in a generation; nothing, where a program has ended it and given its id to the next.</summary>
    public void End(int id, uint generation) => Interlocked.CompareExchange(
        ref Unsafe.As<ConnectionValue, uint>(ref Unsafe.AddByteOffset(ref At(id), GenerationOffset)),
        (generation + 1) & FlowWord.MaxGeneration,
        generation);

    /// <summary>Says that an id is not in use.</summary>
    public void ClearProtocol(int id) => Unsafe.AddByteOffset(ref Unsafe.As<ConnectionValue, byte>(ref At(id)), ProtocolOffset) = 0;

    public void Dispose()
    {
        _window?.Dispose();
        State.Dispose();
    }

    private ref ConnectionValue At(int id)
    {
        if (_window is null || id < _window.First || id >= _window.First + _window.Length)
        {
            _window?.Dispose();
            int first = id / WindowLength * WindowLength;
            _window = _connections.MemoryMap(first, Math.Min(WindowLength, Capacity - first));
        }

        return ref _window[id - _window.First];
    }
}
