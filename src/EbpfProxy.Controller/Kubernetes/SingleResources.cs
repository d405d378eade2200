using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>The Node object of this node.</summary>
internal sealed class NodeResource(IClusterSink sink, NodeReader reader) : Resource<ClusterNode>(reader)
{
    private ClusterNode? _listed;
    private bool _isListing;

    public override void BeginList() => (_listed, _isListing) = (null, true);

    public override void CompleteList()
    {
        if (_isListing)
        {
            _isListing = false;
            sink.SetNode(_listed);
        }
    }

    public override void AbandonList() => _isListing = false;

    protected override void AddListed(ClusterNode item) => Set(item);

    protected override void Set(ClusterNode item)
    {
        _listed = item;
        if (!_isListing)
        {
            sink.SetNode(item);
        }
    }

    protected override void Remove(ObjectName name)
    {
        _listed = null;
        if (!_isListing)
        {
            sink.SetNode(null);
        }
    }
}

/// <summary>The ServiceCIDRs of the cluster. The sink takes the prefixes of all of them at once.</summary>
internal sealed class ServiceCidrResource(IClusterSink sink, ServiceCidrReader reader) : Resource<ServiceCidr>(reader)
{
    private Dictionary<string, ServiceCidr> _current = [];
    private Dictionary<string, ServiceCidr>? _listed;

    public override void BeginList() => _listed = [];

    public override void CompleteList()
    {
        if (_listed is { } listed)
        {
            _current = listed;
            _listed = null;
            Publish();
        }
    }

    public override void AbandonList() => _listed = null;

    protected override void AddListed(ServiceCidr item) => Set(item);

    protected override void Set(ServiceCidr item)
    {
        (_listed ?? _current)[item.Name] = item;
        PublishUnlessListing();
    }

    protected override void Remove(ObjectName name)
    {
        (_listed ?? _current).Remove(name.Name);
        PublishUnlessListing();
    }

    private void PublishUnlessListing()
    {
        if (_listed is null)
        {
            Publish();
        }
    }

    private void Publish() => sink.SetServicePrefixes(new HashSet<Prefix>(_current.Values.SelectMany(cidr => cidr.Prefixes)));
}
