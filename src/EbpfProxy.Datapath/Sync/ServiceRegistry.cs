using System.Diagnostics.CodeAnalysis;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>The services and their ids; the table of names keeps them for the next start.</summary>
internal sealed class ServiceRegistry
{
    private const int FamilyOffset = 192;

    private readonly IArrayTable<ServiceName> _names;
    private readonly IArrayTable<TallyValue> _tallies;
    private readonly IdAllocator _ids;

    // Without a service, and connections count to them still.
    private readonly List<uint> _lingering = [];
    private readonly Dictionary<uint, ServiceRecord> _byId = [];
    private readonly Dictionary<ObjectName, List<ServiceRecord>> _byService = [];

    private ServiceRegistry(IArrayTable<ServiceName> names, IArrayTable<TallyValue> tallies, IdAllocator ids)
    {
        _names = names;
        _tallies = tallies;
        _ids = ids;
    }

    public IReadOnlyCollection<ServiceRecord> Records => _byId.Values;

    public static ServiceRegistry Adopt(IArrayTable<ServiceName> names, IArrayTable<TallyValue> tallies)
    {
        // All ids that are used, or may have been, are taken; those of no service are given back.
        uint end = Math.Max(names.Capacity, tallies.Capacity);
        while (end > 0 && names.Read(end - 1).Family == 0 && tallies.Read(end - 1) == default)
        {
            end--;
        }

        var registry = new ServiceRegistry(names, tallies, IdAllocator.Restore(end, _ => true));
        for (uint id = end; id-- > 0;)
        {
            var name = names.Read(id);
            if (name.Family != 0)
            {
                registry.Insert(new ServiceRecord(id, name.ToKey()));
            }
            else
            {
                registry.FreeOrKeep(id);
            }
        }

        return registry;
    }

    public bool TryGet(uint id, [NotNullWhen(true)] out ServiceRecord? record) => _byId.TryGetValue(id, out record);

    public ServiceRecord GetOrAdd(ServiceKey key)
    {
        if (_byService.TryGetValue(key.Service, out var records))
        {
            foreach (var known in records)
            {
                if (known.Key == key)
                {
                    return known;
                }
            }
        }

        var record = new ServiceRecord(_ids.Allocate(), key);
        _names.EnsureCapacity(record.Id + 1);
        _tallies.EnsureCapacity(record.Id + 1);
        var name = ServiceName.From(key);
        _names.Write(record.Id, name with { Family = 0 });
        _names.WriteWord(record.Id, FamilyOffset, name.Protocol | ((ulong)name.Family << 8));
        Insert(record);
        return record;
    }

    /// <summary>The records of a Kubernetes Service that its new tables no longer have.</summary>
    public IEnumerable<ServiceRecord> Without(ObjectName service, ServiceTables? tables)
    {
        if (!_byService.TryGetValue(service, out var records))
        {
            return [];
        }

        return tables is null
            ? records.ToArray()
            : records.Where(record => !tables.Ports.Any(port => port.Key == record.Key)).ToArray();
    }

    /// <summary>Takes a record out and its name with it; its id stays taken until <see cref="Free"/>.</summary>
    public void Forget(ServiceRecord record)
    {
        _names.WriteWord(record.Id, FamilyOffset, 0);
        _byId.Remove(record.Id);
        var records = _byService[record.Key.Service];
        records.Remove(record);
        if (records.Count == 0)
        {
            _byService.Remove(record.Key.Service);
        }
    }

    /// <summary>Gives back the id of a forgotten record.</summary>
    public void Free(ServiceRecord record) => FreeOrKeep(record.Id);

    /// <summary>Gives back the ids whose last connections have closed meanwhile.</summary>
    public void FreeLingering() => _lingering.RemoveAll(TryRelease);

    private void FreeOrKeep(uint id)
    {
        if (!TryRelease(id))
        {
            _lingering.Add(id);
        }
    }

    /// <summary>Not while connections are open that count to it: their ends would count to the next service.</summary>
    private bool TryRelease(uint id)
    {
        var tally = _tallies.Read(id);
        if (tally.Open > 0)
        {
            return false;
        }

        if (tally != default)
        {
            _tallies.Write(id, default);
        }

        _ids.Release(id);
        return true;
    }

    private void Insert(ServiceRecord record)
    {
        _byId.Add(record.Id, record);
        if (!_byService.TryGetValue(record.Key.Service, out var records))
        {
            _byService.Add(record.Key.Service, records = []);
        }

        records.Add(record);
    }
}
