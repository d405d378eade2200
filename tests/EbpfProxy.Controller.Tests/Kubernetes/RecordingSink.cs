using EbpfProxy.Controller.Cache;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>Keeps what a source says of the cluster.</summary>
internal sealed class RecordingSink : IClusterSink
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectName, Service> _services = [];
    private readonly Dictionary<ObjectName, EndpointSlice> _slices = [];
    private readonly List<string> _removals = [];

    private readonly HashSet<string> _taken = [];

    public ClusterNode? Node { get; private set; }

    public int NodeSets { get; private set; }

    public IReadOnlyCollection<Prefix>? Prefixes { get; private set; }

    public int PrefixSets { get; private set; }

    public int ServiceLists { get; private set; }

    public int SliceLists { get; private set; }

    public string Services => Read(() => string.Join(' ', _services.Keys.Order().Select(name => name.Name)));

    public string Slices => Read(() => string.Join(' ', _slices.Keys.Order().Select(name => name.Name)));

    /// <summary>The services and slices of a namespace: a real server has some of its own.</summary>
    public string In(string space) => Read(() => string.Join(' ', _services.Keys.Concat(_slices.Keys)
        .Where(name => name.Namespace == space).Select(name => name.Name).Order(StringComparer.Ordinal)));

    /// <summary>Every service that ever came, with its address.</summary>
    public IReadOnlyList<string> TakenServices => Read(() => _taken.Order(StringComparer.Ordinal).ToArray());

    public IReadOnlyList<string> Removals => Read(() => _removals.ToArray());

    public bool IsComplete => ServiceLists > 0 && SliceLists > 0 && NodeSets > 0 && PrefixSets > 0;

    public Service? Service(string space, string name) => Read(() => _services.GetValueOrDefault(new ObjectName(space, name)));

    public EndpointSlice? Slice(string space, string name) => Read(() => _slices.GetValueOrDefault(new ObjectName(space, name)));

    public IObjectList<Service> BeginServices() =>
        new ObjectList<Service>(this, _services, Take, service => service.Name, () => ServiceLists++);

    public IObjectList<EndpointSlice> BeginSlices() =>
        new ObjectList<EndpointSlice>(this, _slices, slice => _slices[slice.Name] = slice, slice => slice.Name, () => SliceLists++);

    public void SetService(Service service) => Update(() => Take(service));

    public void RemoveService(ObjectName service) => Update(() =>
    {
        _removals.Add(service.Name);
        _services.Remove(service);
    });

    public void SetSlice(EndpointSlice slice) => Update(() => _slices[slice.Name] = slice);

    public void RemoveSlice(ObjectName slice) => Update(() =>
    {
        _removals.Add(slice.Name);
        _slices.Remove(slice);
    });

    public void SetNode(ClusterNode? node) => Update(() => (Node, NodeSets) = (node, NodeSets + 1));

    public void KeepUnknown(bool isInPart)
    {
        // An API server's lists are whole or not at all.
    }

    public void SetServicePrefixes(IReadOnlyCollection<Prefix> prefixes) =>
        Update(() => (Prefixes, PrefixSets) = (prefixes, PrefixSets + 1));

    private void Take(Service service)
    {
        _services[service.Name] = service;
        _taken.Add($"{service.Name.Name} {string.Join(',', service.ClusterIPs)}");
    }

    private T Read<T>(Func<T> read)
    {
        lock (_lock)
        {
            return read();
        }
    }

    private void Update(Action update)
    {
        lock (_lock)
        {
            update();
        }
    }

    private sealed class ObjectList<T>(
        RecordingSink sink, Dictionary<ObjectName, T> items, Action<T> take, Func<T, ObjectName> nameOf, Action completed) : IObjectList<T>
    {
        private readonly HashSet<ObjectName> _seen = [];

        public void Add(T item) => sink.Update(() =>
        {
            take(item);
            _seen.Add(nameOf(item));
        });

        public void Complete() => sink.Update(() =>
        {
            foreach (var name in items.Keys.Where(name => !_seen.Contains(name)).ToArray())
            {
                sink._removals.Add(name.Name);
                items.Remove(name);
            }

            completed();
        });

        public void Dispose()
        {
        }
    }
}
