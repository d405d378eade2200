using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Cache;

/// <summary>
/// Where a source of objects (the API server's watches, a folder of manifests) puts what it learns. Thread-safe: each
/// kind of object comes from its own loop. The objects are valid; what was not was reported and left out by the source.
/// </summary>
public interface IClusterSink
{
    /// <summary>Takes a full list of Services, object by object.</summary>
    IObjectList<Service> BeginServices();

    /// <summary>Takes a full list of EndpointSlices, object by object.</summary>
    IObjectList<EndpointSlice> BeginSlices();

    void SetService(Service service);

    void RemoveService(ObjectName service);

    void SetSlice(EndpointSlice slice);

    void RemoveSlice(ObjectName slice);

    /// <summary>Replaces what is known of this node; null where the Node object does not exist. Counts as the first list of nodes.</summary>
    void SetNode(ClusterNode? node);

    /// <summary>
    /// Says whether part of what there is could not be read yet. Until it could, what an earlier run left in the maps and
    /// nobody has told of since is kept.
    /// </summary>
    void KeepUnknown(bool isInPart);

    /// <summary>Replaces the prefixes of all ServiceCIDRs. Counts as their first list.</summary>
    void SetServicePrefixes(IReadOnlyCollection<Prefix> prefixes);
}

/// <summary>
/// A full list under way. Objects count from <see cref="Add"/> on; those of earlier that were not added again are removed
/// by <see cref="Complete"/>, once. A list that is disposed before it is complete removes nothing.
/// </summary>
public interface IObjectList<in T> : IDisposable
{
    void Add(T item);

    void Complete();
}
