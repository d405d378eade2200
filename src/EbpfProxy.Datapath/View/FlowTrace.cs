using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>Which connections somebody wants to hear of; null for any.</summary>
/// <param name="Address">Of client, frontend or backend.</param>
/// <param name="Port">The same.</param>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="Service">A name, or namespace/name.</param>
public sealed record FlowFilter(Address? Address, ushort? Port, Protocol? Protocol, string? Service);

/// <summary>What became of a connection.</summary>
/// <param name="Time">When.</param>
/// <param name="Reason">What: <see cref="Reason.Translated"/> at a socket, <see cref="Reason.ConnectionOpened"/> in tc, or why it is refused or dropped.</param>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="Client">Who asked; null where a socket was not bound yet.</param>
/// <param name="Frontend">What was asked.</param>
/// <param name="Backend">What it got; null where there is none.</param>
/// <param name="Service">The service that has the frontend; null where none has.</param>
/// <param name="Pid">The process, at a socket, where the kernel tells it; else 0.</param>
/// <param name="Command">Its name.</param>
/// <param name="Device">The device, in tc; else 0.</param>
public sealed record FlowEvent(
    DateTimeOffset Time,
    Reason Reason,
    Protocol Protocol,
    AddressPort? Client,
    AddressPort Frontend,
    AddressPort? Backend,
    ServiceKey? Service,
    uint Pid,
    string Command,
    uint Device);

/// <summary>
/// Hears from the programs what becomes of new connections. There is one at a time. The programs tell for as long as
/// <see cref="Read"/> is called: one that died is silent within seconds.
/// </summary>
public sealed class FlowTrace : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private readonly FolderLock _lock;
    private readonly BpfMap _filterMap;
    private readonly BpfMappedArray<TraceFilterValue> _filter;
    private readonly BpfMap _losses;
    private readonly BpfRingBuffer _ring;
    private readonly Dictionary<uint, ServiceKey> _names;
    private readonly Queue<FlowEvent> _events = new();
    private readonly ulong _lossesBefore;
    private bool _isListening;

    private FlowTrace(FolderLock folderLock, string root, Dictionary<uint, ServiceKey> names)
    {
        _lock = folderLock;
        _names = names;
        string folder = PinLayout.TraceOf(root);
        _filterMap = BpfMap.OpenPinned(Path.Combine(folder, TableNames.TraceFilters));
        _filter = new BpfArrayMap<TraceFilterValue>(_filterMap).MemoryMap();
        _losses = BpfMap.OpenPinned(Path.Combine(folder, TableNames.TraceLosses));
        _lossesBefore = ReadLosses();
        using var events = BpfMap.OpenPinned(Path.Combine(folder, TableNames.TraceEvents));
        _ring = new BpfRingBuffer(events, Receive);
    }

    /// <summary>How many events were lost because nobody took them in time.</summary>
    public ulong Lost => ReadLosses() - _lossesBefore;

    /// <exception cref="IOException">There are no programs below <paramref name="bpfFileSystem"/>, no such service, or somebody traces already.</exception>
    public static FlowTrace Start(string bpfFileSystem, FlowFilter filter)
    {
        string root = DatapathOptions.PinRootOf(bpfFileSystem);
        var names = ServiceNames.Read(DatapathView.FolderOf(bpfFileSystem));
        uint[] services = [.. names.Where(row => IsWanted(filter.Service, row.Value)).Select(row => row.Key)];
        if (filter.Service is not null && services.Length == 0)
        {
            throw new IOException($"no service {filter.Service} on this node: see `ebpf-proxy service list`");
        }

        if (filter.Service is not null && services.Length > TraceFilterValue.ServiceIds.Length)
        {
            throw new IOException($"{filter.Service} has more than {TraceFilterValue.ServiceIds.Length} ports: narrow it with --port or --address");
        }

        var folderLock = FolderLock.TryTake(PinLayout.TraceOf(root))
            ?? throw new IOException("another trace runs on this node: there can be one at a time");
        try
        {
            var trace = new FlowTrace(folderLock, root, names);
            trace.Write(filter, filter.Service is null ? [] : services);
            return trace;
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }
    }

    /// <summary>Makes the programs tell, for some seconds more.</summary>
    public void Listen() =>
        Volatile.Write(ref _filter[0].UntilNs, (ulong)((Stopwatch.GetElapsedTime(0) + _patience).TotalMilliseconds * 1_000_000));

    /// <summary>Waits for events, for so long at most, and listens on; none where none came.</summary>
    public IReadOnlyList<FlowEvent> Read(TimeSpan patience)
    {
        Listen();
        _ring.Poll(patience);
        FlowEvent[] events = [.. _events];
        _events.Clear();
        return events;
    }

    public void Dispose()
    {
        Volatile.Write(ref _filter[0].UntilNs, 0);
        _ring.Dispose();
        _filter.Dispose();
        _filterMap.Dispose();
        _losses.Dispose();
        _lock.Dispose();
    }

    private static bool IsWanted(string? wanted, ServiceKey key) => wanted == key.Service.Name || wanted == key.Service.ToString();

    private void Write(FlowFilter filter, ReadOnlySpan<uint> services)
    {
        ref var value = ref _filter[0];
        Volatile.Write(ref value.UntilNs, 0);
        value.Address = filter.Address is { } address ? AddressKey.From(address) : default;
        value.PortBe = BinaryPrimitives.ReverseEndianness(filter.Port ?? 0);
        value.Protocol = (byte)(filter.Protocol ?? 0);
        services.CopyTo(value.Services);
        value.ServiceCount = (byte)services.Length;

        // What one who died did not come to hear is nobody's.
        _ring.Consume();
        _events.Clear();
        _isListening = true;
    }

    private void Receive(ReadOnlySpan<byte> record)
    {
        if (!_isListening)
        {
            return;
        }

        var one = MemoryMarshal.Read<TraceEventValue>(record);
        var age = Stopwatch.GetElapsedTime(0) - TimeSpan.FromMicroseconds(one.TimeNs / 1000.0);
        bool hasClient = one.Client != default && one.Client.ToAddress() != Address.AnyOf(one.Client.ToAddress().Family);
        _events.Enqueue(new FlowEvent(
            DateTimeOffset.UtcNow - age,
            (Reason)one.Reason,
            (Protocol)one.Protocol,
            hasClient ? ToAddressPort(one.Client, one.ClientPortBe) : null,
            ToAddressPort(one.Frontend, one.FrontendPortBe),
            (Reason)one.Reason is Reason.Translated or Reason.ConnectionOpened ? ToAddressPort(one.Backend, one.BackendPortBe) : null,
            one.HasService != 0 && _names.TryGetValue(one.Service, out var service) ? service : null,
            one.Pid,
            one.Command,
            one.Device));
    }

    private ulong ReadLosses() => new BpfArrayMap<ulong>(_losses)[0];

    private static AddressPort ToAddressPort(AddressKey address, ushort portBe) => new(address.ToAddress(), BinaryPrimitives.ReverseEndianness(portBe));
}
