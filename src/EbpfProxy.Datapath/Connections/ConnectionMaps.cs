using System.Runtime.CompilerServices;
using EbpfProxy.Datapath.Abi;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// The maps of bpf/include/connection_maps.h that the controller takes part in. It does not own them. Not thread-safe.
/// </summary>
internal sealed class ConnectionMaps(BpfMap connections, BpfMap flows, BpfMap free, BpfMap unanswered, BpfMap closing, BpfMap state) : IDisposable
{
    // In struct connection.
    private const nint ProtocolOffset = 74;
    private const nint GenerationOffset = 92;
    private const nint TakenRowsOffset = 99;

    // All of the connections would count to the resident memory of the daemon: so only those are mapped that are written.
    private const int WindowLength = 32;

    private const int Full = 7; // E2BIG

    private readonly BpfArrayMap<ConnectionValue> _connections = new(connections);
    private BpfMappedArray<ConnectionValue>? _window;

    /// <summary>How many connections there is room for.</summary>
    public int Capacity => _connections.Length;

    /// <summary>A packet as one hook sees it -> its connection.</summary>
    public BpfHashMap<FlowKey, FlowWord> Flows { get; } = new(flows);

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

    /// <summary>
    /// Takes the rows that answers come by from a connection that has ended: who has taken one may remove it. Returns those of all
    /// rows that no program has taken: <c>rows_take()</c> of bpf/packet/connection.h. The rows to ask and forward by are not taken
    /// here: this process may be killed before it removes them, and a client whose row stays taken is turned away.
    /// </summary>
    public TakenRows TakeRows(int id)
    {
        ref byte taken = ref Unsafe.AddByteOffset(ref Unsafe.As<ConnectionValue, byte>(ref At(id)), TakenRowsOffset);
        byte before = taken;
        while (Interlocked.CompareExchange(ref taken, (byte)(before | (byte)TakenRows.Answers), before) is var now && now != before)
        {
            before = now;
        }

        return TakenRows.All & ~(TakenRows)before;
    }

    /// <summary>
    /// Removes a row, unless it leads elsewhere by now. One that another connection takes at this very moment gets it back an
    /// instant later.
    /// </summary>
    /// <param name="key">Of the row.</param>
    /// <param name="goes">Whether a row with this word is to go.</param>
    public void RemoveFlow(FlowKey key, Func<FlowWord, bool> goes)
    {
        if (!Flows.TryGet(key, out var word) || !goes(word) || !Flows.TryTake(key, out var taken) || goes(taken))
        {
            return;
        }

        try
        {
            Flows.TryAdd(key, taken);
        }
        catch (BpfException e) when (e.Errno == Full)
        {
            // Somebody else has its place in a full table: as if it had come a moment later.
        }
    }

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
