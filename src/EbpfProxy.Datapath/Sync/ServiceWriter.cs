using System.Collections.Immutable;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// Makes the tables hold what the model wants, one service at a time, in an order in which a program that reads at any
/// instant finds a whole service, old or new:
/// <list type="number">
/// <item>name, then backends, then endpoint sets: nothing leads to them yet;</item>
/// <item>the service's words, one flip each;</item>
/// <item>source ranges, then frontends, then addresses: now the service can be found;</item>
/// <item>frontends that go, then what served those of services that are closed to outside; their addresses follow later, and the
/// rest is given back after a grace period.</item>
/// </list>
/// </summary>
internal sealed class ServiceWriter
{
    private readonly TableSet _tables;
    private readonly ServiceRegistry _services;
    private readonly BackendStore _backends;
    private readonly SetStore _sets;
    private readonly FrontendStore _frontends;
    private readonly RangeStore _ranges;
    private readonly AddressBook _addresses;
    private readonly Retirement _retirement;
    private readonly BackendMerge _merge = new();
    private readonly List<PortTables> _moved = [];

    /// <summary>The services that have frontends for traffic from outside, and shall have none.</summary>
    private readonly List<ServiceRecord> _closing = [];
    private bool _areAddressesProved;
    private bool _isAnyMoved;

    private ServiceWriter(
        TableSet tables, ServiceRegistry services, BackendStore backends, SetStore sets, AddressBook addresses, Retirement retirement)
    {
        _tables = tables;
        _services = services;
        _backends = backends;
        _sets = sets;
        _addresses = addresses;
        _frontends = new FrontendStore(tables.Frontends, services, addresses);
        _ranges = new RangeStore(tables.Ranges);
        _retirement = retirement;
    }

    /// <summary>
    /// Takes over what the tables hold: the ids stay, so that sockets and flows that know them do. What nothing leads to
    /// may have been unlinked a moment ago, by a writer that failed: it is free after a grace period only.
    /// </summary>
    public static ServiceWriter Adopt(TableSet tables, IGracePeriods gracePeriods, uint firstGeneration)
    {
        gracePeriods.Wait(gracePeriods.Request());
        var backendsByService = new Dictionary<uint, List<uint>>();
        var backends = BackendStore.Adopt(tables.Backends, firstGeneration, backendsByService);
        var services = ServiceRegistry.Adopt(tables.Names, tables.Tallies);
        var sets = SetStore.Adopt(tables.Sets, UsedExtents(tables, services));
        var writer = new ServiceWriter(tables, services, backends, sets, new AddressBook(tables.Addresses), new Retirement(gracePeriods));
        writer.AdoptRecords(backendsByService);
        return writer;
    }

    /// <summary>Calls <paramref name="going"/> before frontends go from the tables: connections may still have them.</summary>
    public void WhenFrontendsGo(Action going) => _frontends.Going = going;

    /// <summary>
    /// Calls <paramref name="turning"/> when frontends of UDP lead to another service than before, or came, or their service has
    /// somebody again: until then flows stay with the one before.
    /// </summary>
    public void WhenFrontendsTurn(Action turning) => _frontends.Turning = turning;

    /// <summary>Calls <paramref name="contested"/> once for each service that does without a frontend, because another has it.</summary>
    public void WhenContested(Action<ContestedFrontend> contested) => _frontends.Contested = contested;

    /// <summary>
    /// The services of UDP that got other backends by the last <see cref="Apply"/>, or a frontend: what was there before may have
    /// flows. After the first one, and one of all services, these are all: what an earlier run did not come to is not known.
    /// </summary>
    public IReadOnlyCollection<PortTables> Moved => _moved;

    /// <summary>Whether there is a service with session affinity.</summary>
    public bool RemembersClients => _services.Records.Any(record => record.RemembersClients);

    /// <summary>See <see cref="IServiceDatapath.Apply"/>.</summary>
    public ApplyResult Apply(IReadOnlyCollection<ServiceChange> changes, bool isComplete)
    {
        long before = _tables.Writes;
        _retirement.Collect();
        _moved.Clear();
        _closing.Clear();
        _isAnyMoved = isComplete || !_areAddressesProved;
        _addresses.IsDeferring = isComplete;
        if (isComplete)
        {
            TableRoom.Make(changes, _tables, _addresses, _sets);
        }

        var goneRecords = new List<ServiceRecord>();
        foreach (var change in changes)
        {
            foreach (var port in change.Tables?.Ports ?? [])
            {
                Write(_services.GetOrAdd(port.Key), port);
            }

            goneRecords.AddRange(_services.Without(change.Service, change.Tables));
        }

        if (isComplete)
        {
            var known = changes.Select(change => change.Service).ToHashSet();
            goneRecords.AddRange(_services.Records.Where(record => !known.Contains(record.Key.Service)));
        }

        goneRecords.ForEach(_frontends.GiveUpAll);
        _frontends.RemoveGone();
        _closing.ForEach(CloseToOutside);
        goneRecords.ForEach(Retire);
        if (isComplete)
        {
            _frontends.RemoveStrays();
        }

        _frontends.TellContested();
        AddTurned();

        if (isComplete || !_areAddressesProved)
        {
            // An earlier run, or one that failed, may have written a frontend or backend without its address.
            _addresses.Repair();
            _addresses.IsDeferring = false;
            _areAddressesProved = true;
        }

        _retirement.Seal();
        return new ApplyResult((int)(_tables.Writes - before), changes.Count);
    }

    /// <summary>Says that an address of the node is something to the programs.</summary>
    public void AddNodeRole(Address address, AddressRole role) => _addresses.Add(address, role);

    /// <summary>Says that it is that no longer.</summary>
    public void RemoveNodeRole(Address address, AddressRole role)
    {
        if (role == AddressRole.Node)
        {
            // With it, every node port goes from there.
            _frontends.Going?.Invoke();
        }

        _addresses.Remove(address, role);
        _addresses.Flush();
    }

    /// <summary>Counts what the node's addresses are, without a write; <see cref="Apply"/> makes the table right.</summary>
    public void AdoptNodeRole(Address address, AddressRole role) => _addresses.Adopt(address, role);

    /// <summary>Waits until everything that was removed is given back.</summary>
    public void Drain() => _retirement.Drain();

    /// <summary>Gives back what was removed and no program can still be reading, and writes what could wait; for when there is time.</summary>
    public void Collect()
    {
        _retirement.Collect();
        _services.FreeLingering();
        _addresses.Flush();
    }

    private static IEnumerable<Extent> UsedExtents(TableSet tables, ServiceRegistry services)
    {
        foreach (var record in services.Records)
        {
            var extents = ServiceWords.Read(tables.Services, record.Id).Extents();
            for (int i = 0; i < extents.Count; i++)
            {
                yield return extents[i];
            }
        }
    }

    private void Write(ServiceRecord record, PortTables desired)
    {
        // Backends first: an id must be good before a set names it. What loses a use keeps it until the words are flipped.
        uint[] wanted = _merge.Run(_backends, record, desired);
        if (desired.Key.Protocol == Protocol.Udp && (_isAnyMoved || _merge.Added.Count > 0 || _merge.Removed.Count > 0))
        {
            _moved.Add(desired);
        }

        foreach (var (id, now, then) in _merge.Changed)
        {
            _backends.SetUse(id, now | then);
        }

        // All, not only those that were added: a writer that was killed may have added others.
        foreach (var backend in desired.Backends)
        {
            _addresses.Expect(backend.Address);
        }

        bool hadSomebody = _tables.Services.Read(record.Id).HasSomebody;
        if (HasOutside(record.Frontends) && !HasOutside(desired.Frontends))
        {
            // What still asks there is served until the last frontend is gone.
            _closing.Add(record);
            FlipWords(record, desired with { Verdicts = desired.Verdicts.OfInsideForAll }, wanted);
        }
        else
        {
            FlipWords(record, desired, wanted);
        }

        if (desired.Key.Protocol == Protocol.Udp && !hadSomebody && _tables.Services.Read(record.Id).HasSomebody)
        {
            _frontends.Turning?.Invoke();
        }

        foreach (var (id, _, then) in _merge.Changed)
        {
            _backends.SetUse(id, then);
        }

        foreach (var backend in _merge.Added)
        {
            _addresses.Add(backend.Address, AddressRole.Backend);
        }

        foreach (uint id in _merge.Removed)
        {
            _addresses.Remove(_backends[id].Address.ToAddress(), AddressRole.Backend);
            _backends.SetUse(id, BackendUse.None);
            _retirement.Add(() => _backends.Free(id));
        }

        record.Backends = wanted;
        record.RemembersClients = desired.AffinitySeconds > 0;
        bool areRangesLeft = _ranges.Write(record, desired.SourceRanges);
        _frontends.Write(record, desired);
        if (areRangesLeft)
        {
            TrimLater(record);
        }
    }

    private void AddTurned()
    {
        if (_frontends.Turned.Count > 0)
        {
            var known = _moved.Select(port => port.Key).ToHashSet();
            _moved.AddRange(_frontends.Turned.Where(record => !known.Contains(record.Key)).Select(ToTables));
            _frontends.Turned.Clear();
        }
    }

    /// <summary>What is known of a service that may not be in this change.</summary>
    private PortTables ToTables(ServiceRecord record) => new()
    {
        Key = record.Key,
        Frontends = [.. record.Frontends.Select(entry => entry.Value.ToFrontend(entry.Key))],
        Backends = [.. record.Backends.Select(id => _backends[id].ToBackend())],
        Verdicts = _tables.Services.Read(record.Id).Verdicts,
    };

    private void FlipWords(ServiceRecord record, PortTables desired, ReadOnlySpan<uint> backends)
    {
        var current = ServiceWords.Read(_tables.Services, record.Id);
        var cluster = PlaceSet(current.Find(Verdict.Cluster), _merge.Select(desired.Backends, backends, BackendUse.InClusterSet));
        var local = PlaceSet(current.Find(Verdict.Local), _merge.Select(desired.Backends, backends, BackendUse.InLocalSet));
        var next = ServiceWords.From(desired, cluster, local);
        next.Write(_tables.Services, record.Id, current);

        var kept = next.Extents();
        var before = current.Extents();
        for (int i = 0; i < before.Count; i++)
        {
            if (!kept.Contains(before[i]))
            {
                FreeLater(before[i]);
            }
        }

        // A set that was placed and that no class of traffic uses is free again at once: nothing ever led to it.
        FreeUnused(cluster, kept);
        FreeUnused(local, kept);
    }

    private static bool HasOutside(FrontendEntry[] frontends) => Array.Exists(frontends, entry => entry.Value.Kind != (byte)FrontendKind.ClusterIP);

    private static bool HasOutside(ImmutableArray<Frontend> frontends) => frontends.Any(frontend => frontend.Kind != FrontendKind.ClusterIP);

    /// <summary>No frontend leads there any more; of the sets that the words name, others use each.</summary>
    private void CloseToOutside(ServiceRecord record)
    {
        var current = ServiceWords.Read(_tables.Services, record.Id);
        current.WithoutOutside().Write(_tables.Services, record.Id, current);
    }

    /// <summary>Apart from where it is called: what a closure captures is allocated even where there is nothing to free.</summary>
    private void FreeLater(Extent extent) => _retirement.Add(() => _sets.Free(extent));

    private void TrimLater(ServiceRecord record) => _retirement.Add(() => _ranges.Trim(record));

    private void FreeUnused(PlacedSet placed, SetExtents kept)
    {
        var extent = new Extent(placed.Begin, placed.Length);
        if (placed.IsNew && !kept.Contains(extent))
        {
            _sets.Free(extent);
        }
    }

    private PlacedSet PlaceSet(TrafficWord current, ReadOnlySpan<uint> backends)
    {
        if (current.Count == backends.Length && _sets.Holds(current.Set, backends))
        {
            return new PlacedSet(current.Set, (uint)current.Count, IsNew: false);
        }

        return new PlacedSet(_sets.Add(backends), (uint)backends.Length, IsNew: true);
    }

    private void Retire(ServiceRecord record)
    {
        _services.Forget(record);
        foreach (uint id in record.Backends)
        {
            _addresses.Remove(_backends[id].Address.ToAddress(), AddressRole.Backend);
        }

        _retirement.Add(() =>
        {
            var words = ServiceWords.Read(_tables.Services, record.Id);
            var extents = words.Extents();
            for (int i = 0; i < extents.Count; i++)
            {
                _sets.Free(extents[i]);
            }

            ServiceWords.Empty.Write(_tables.Services, record.Id, words);
            Array.ForEach(record.Backends, _backends.Free);
            record.SourceRanges = [];
            _ranges.Trim(record);
            _services.Free(record);
        });
    }

    private void AdoptRecords(Dictionary<uint, List<uint>> backendsByService)
    {
        // A run that was killed between taking a name out and clearing its words left words that nothing leads to.
        for (uint id = 0; id < _tables.Services.Capacity; id++)
        {
            var words = ServiceWords.Read(_tables.Services, id);
            if (_services.TryGet(id, out var record))
            {
                record.RemembersClients = words.Value.AffinitySeconds > 0;
            }
            else
            {
                ServiceWords.Empty.Write(_tables.Services, id, words);
            }
        }

        foreach (var (service, ids) in backendsByService)
        {
            if (!_services.TryGet(service, out var record))
            {
                ids.ForEach(_backends.Free);
                continue;
            }

            ids.Sort((a, b) => BackendMerge.Compare(_backends[a], _backends[b]));
            record.Backends = [.. ids];
            ids.ForEach(id => _addresses.Adopt(_backends[id].Address.ToAddress(), AddressRole.Backend));
        }

        _ranges.Adopt(_services);
        _frontends.Adopt();
    }
}
