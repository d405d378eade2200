using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Cache;

/// <summary>
/// What is known of the cluster, and which services have changed since changes were last taken. Sources write from their
/// own threads, one loop takes. Slices are kept one by one, because endpoints move between the slices of a service.
/// </summary>
/// <param name="listener">Hears of what comes in.</param>
/// <param name="start">Changes that were triggered until then waited for this process, and are not measured.</param>
public sealed class ClusterCache(IChangeListener listener, DateTimeOffset start = default) : IClusterSink, IDisposable
{
    private readonly Lock _lock = new();
    private readonly ObjectTable<Service> _services = new();
    private readonly ObjectTable<EndpointSlice> _slices = new();
    private readonly Dictionary<ObjectName, ImmutableArray<EndpointSlice>> _slicesOfService = [];
    private readonly HashSet<ObjectName> _dirty = [];

    /// <summary>The services that went while the unknown is kept: nobody else tells that of them once more.</summary>
    private readonly HashSet<ObjectName> _gone = [];
    private readonly Dictionary<ObjectName, List<TriggerTime>> _triggerTimes = [];
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private FirstLists _complete;
    private bool _keepsUnknown;
    private bool _wantsEverything;
    private ClusterNode? _node;

    /// <summary>The last one that there was: what services depend on stays when the object is deleted, as in kube-proxy.</summary>
    private ClusterNode? _lastNode;
    private ImmutableArray<Prefix> _servicePrefixes = [];
    private int _pendingServices;
    private int _pendingSlices;

    [Flags]
    private enum FirstLists
    {
        None = 0,
        Services = 1,
        Slices = 2,
        Node = 4,
        All = Services | Slices | Node,
    }

    /// <summary>
    /// Whether Services, EndpointSlices and this node were each listed once. Nothing may be written before.
    /// ServiceCIDRs are not waited for: nothing is removed because of them.
    /// </summary>
    public bool IsSynced
    {
        get
        {
            lock (_lock)
            {
                return _complete == FirstLists.All;
            }
        }
    }

    /// <summary>This node, as last heard of; null where its object does not exist.</summary>
    public ClusterNode? Node
    {
        get
        {
            lock (_lock)
            {
                return _node;
            }
        }
    }

    /// <summary>The prefixes of all ServiceCIDRs.</summary>
    public ImmutableArray<Prefix> ServicePrefixes
    {
        get
        {
            lock (_lock)
            {
                return _servicePrefixes;
            }
        }
    }

    public IObjectList<Service> BeginServices()
    {
        lock (_lock)
        {
            return new ServiceList(this, _services.BeginList());
        }
    }

    public IObjectList<EndpointSlice> BeginSlices()
    {
        lock (_lock)
        {
            return new SliceList(this, _slices.BeginList());
        }
    }

    public void SetService(Service service)
    {
        lock (_lock)
        {
            listener.OnService();
            if (_services.TryGet(service.Name, out var previous) && previous.Equals(service))
            {
                _services.Set(service.Name, previous);
                return;
            }

            _services.Set(service.Name, service);
            _gone.Remove(service.Name);
            _pendingServices++;
            MarkDirty(service.Name);
        }
    }

    public void RemoveService(ObjectName service)
    {
        lock (_lock)
        {
            listener.OnService();
            RemoveKnownService(service);
        }
    }

    public void SetSlice(EndpointSlice slice)
    {
        lock (_lock)
        {
            listener.OnSlice();
            if (_slices.TryGet(slice.Name, out var previous))
            {
                if (previous.Equals(slice))
                {
                    _slices.Set(slice.Name, previous);
                    return;
                }

                RemoveFromService(previous);
                MarkEndpointsDirty(previous.Service);
            }

            _slices.Set(slice.Name, slice);
            _slicesOfService[slice.Service] = SlicesOf(slice.Service).Add(slice);
            bool isUsed = _complete != FirstLists.All || _services.Contains(slice.Service);
            if (slice.TriggerTime is { } time && time > start && isUsed)
            {
                ref var times = ref CollectionsMarshal.GetValueRefOrAddDefault(_triggerTimes, slice.Service, out _);
                (times ??= []).Add(new TriggerTime(slice.Family, time));
            }

            MarkEndpointsDirty(slice.Service);
        }
    }

    public void RemoveSlice(ObjectName slice)
    {
        lock (_lock)
        {
            listener.OnSlice();
            RemoveKnownSlice(slice);
        }
    }

    public void SetNode(ClusterNode? node)
    {
        lock (_lock)
        {
            bool isFirst = !_complete.HasFlag(FirstLists.Node);
            bool isMoved = node is not null && !(_lastNode is { } last
                && last.Zone == node.Zone && last.Name == node.Name && last.Addresses.SequenceEqual(node.Addresses));
            _node = node;
            _lastNode = node ?? _lastNode;
            Complete(FirstLists.Node);

            // Any service may have hints, and which of them count depends on the zone; or source ranges with the node in them.
            if (isMoved && !isFirst)
            {
                foreach (var (name, _) in _services.Objects)
                {
                    _dirty.Add(name);
                }

                Signal();
            }
        }
    }

    public void KeepUnknown(bool isInPart)
    {
        lock (_lock)
        {
            _wantsEverything |= _keepsUnknown && !isInPart;
            _keepsUnknown = isInPart;
            if (!isInPart)
            {
                _gone.Clear();
            }

            if (_wantsEverything)
            {
                Signal();
            }
        }
    }

    /// <summary>Makes the next changes those of all services, because what was applied is not known any more.</summary>
    public void WantEverything()
    {
        lock (_lock)
        {
            _wantsEverything = true;
            Signal();
        }
    }

    public void SetServicePrefixes(IReadOnlyCollection<Prefix> prefixes)
    {
        lock (_lock)
        {
            if (!_servicePrefixes.ToHashSet().SetEquals(prefixes))
            {
                _servicePrefixes = [.. prefixes];
                Signal();
            }
        }
    }

    /// <summary>Waits until the cache is synced and there may be something to take.</summary>
    public async ValueTask WaitAsync(CancellationToken token) => await _signal.Reader.ReadAsync(token).ConfigureAwait(false);

    /// <summary>Takes what changed.</summary>
    /// <param name="everything">Whether all services are wanted, changed or not; what was taken before may not have been applied.</param>
    public ClusterChanges Take(bool everything)
    {
        lock (_lock)
        {
            if (_complete != FirstLists.All)
            {
                throw new InvalidOperationException("Changes were asked for before every first list was complete");
            }

            everything |= _wantsEverything;
            _wantsEverything = false;
            var services = everything
                ? _services.Objects.Select(s => new DirtyService(s.Key, s.Value, SlicesOf(s.Key))).Concat(_gone.Select(DirtyServiceOf)).ToList()
                : _dirty.Select(DirtyServiceOf).ToList();
            var changes = new ClusterChanges(services, _lastNode, everything && !_keepsUnknown, [.. _triggerTimes.Values.SelectMany(times => times)], _servicePrefixes);

            // What is taken needs no second look.
            _signal.Reader.TryRead(out _);

            // A set keeps the room of its largest size; the first list is far larger than what follows.
            _dirty.Clear();
            _dirty.TrimExcess();
            _triggerTimes.Clear();
            _pendingServices = 0;
            _pendingSlices = 0;
            return changes;
        }
    }

    public void Dispose() => _signal.Writer.TryComplete();

    private DirtyService DirtyServiceOf(ObjectName name)
    {
        _services.TryGet(name, out var service);
        return new DirtyService(name, service, SlicesOf(name));
    }

    private ImmutableArray<EndpointSlice> SlicesOf(ObjectName service) => _slicesOfService.GetValueOrDefault(service, []);

    private void RemoveKnownService(ObjectName service)
    {
        if (_services.Remove(service, out _))
        {
            if (_keepsUnknown)
            {
                _gone.Add(service);
            }

            _pendingServices++;
            MarkDirty(service);
        }
    }

    private void RemoveKnownSlice(ObjectName name)
    {
        if (_slices.Remove(name, out var slice))
        {
            RemoveFromService(slice);
            MarkEndpointsDirty(slice.Service);

            // The annotation of a slice that goes is of its last change, and when it was removed stands nowhere.
            _triggerTimes.Remove(slice.Service);
        }
    }

    private void RemoveFromService(EndpointSlice slice)
    {
        var rest = SlicesOf(slice.Service).Remove(slice, ReferenceEqualityComparer.Instance);
        if (rest.IsEmpty)
        {
            _slicesOfService.Remove(slice.Service);
        }
        else
        {
            _slicesOfService[slice.Service] = rest;
        }
    }

    private void MarkEndpointsDirty(ObjectName service)
    {
        // A slice may come before its Service; it is used as soon as the Service comes.
        if (_services.Contains(service))
        {
            _pendingSlices++;
            MarkDirty(service);
        }
    }

    private void MarkDirty(ObjectName service)
    {
        _dirty.Add(service);
        Signal();
    }

    private void Complete(FirstLists list)
    {
        bool wasSynced = _complete == FirstLists.All;
        _complete |= list;
        if (!wasSynced)
        {
            Signal();
        }
    }

    private void Signal()
    {
        if (_complete == FirstLists.All)
        {
            listener.OnPending(_pendingServices, _pendingSlices);
            _signal.Writer.TryWrite(true);
        }
    }

    private sealed class ServiceList(ClusterCache cache, int list) : IObjectList<Service>
    {
        public void Add(Service item) => cache.SetService(item);

        public void Complete()
        {
            lock (cache._lock)
            {
                foreach (var name in cache._services.NotSeenSince(list))
                {
                    cache.RemoveKnownService(name);
                }

                cache.Complete(FirstLists.Services);
            }
        }

        public void Dispose()
        {
            // What was not added is kept: a list that broke off says nothing about it.
        }
    }

    private sealed class SliceList(ClusterCache cache, int list) : IObjectList<EndpointSlice>
    {
        public void Add(EndpointSlice item) => cache.SetSlice(item);

        public void Complete()
        {
            lock (cache._lock)
            {
                foreach (var name in cache._slices.NotSeenSince(list))
                {
                    cache.RemoveKnownSlice(name);
                }

                cache.Complete(FirstLists.Slices);
            }
        }

        public void Dispose()
        {
            // What was not added is kept: a list that broke off says nothing about it.
        }
    }
}
