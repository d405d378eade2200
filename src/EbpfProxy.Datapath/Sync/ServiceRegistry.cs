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
    private readonly IdAllocator _ids;
    private readonly Dictionary<uint, ServiceRecord> _byId = [];
    private readonly Dictionary<ObjectName, List<ServiceRecord>> _byService = [];

    private ServiceRegistry(IArrayTable<ServiceName> names, IdAllocator ids)
    {
        _names = names;
        _ids = ids;
    }

    public IReadOnlyCollection<ServiceRecord> Records => _byId.Values;

    public static ServiceRegistry Adopt(IArrayTable<ServiceName> names)
    {
        uint end = 0;
        for (uint id = 0; id < names.Capacity; id++)
        {
            if (names.Read(id).Family != 0)
            {
                end = id + 1;
            }
        }

        var registry = new ServiceRegistry(names, IdAllocator.Restore(end, id => names.Read(id).Family != 0));
        for (uint id = 0; id < end; id++)
        {
            var name = names.Read(id);
            if (name.Family != 0)
            {
                registry.Insert(new ServiceRecord(id, name.ToKey()));
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
    public void Free(ServiceRecord record) => _ids.Release(record.Id);

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
