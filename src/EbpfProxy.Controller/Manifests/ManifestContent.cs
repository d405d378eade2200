using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Manifests;

/// <summary>The objects of one file.</summary>
internal sealed class ManifestContent
{
    public static ManifestContent Empty { get; } = new();

    public List<Service> Services { get; } = [];

    public List<EndpointSlice> Slices { get; } = [];

    public List<ClusterNode> Nodes { get; } = [];

    public List<ServiceCidr> ServiceCidrs { get; } = [];
}
