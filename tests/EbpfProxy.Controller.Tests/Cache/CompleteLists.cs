using EbpfProxy.Controller.Cache;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Tests.Cache;

/// <summary>Lists that come to their end.</summary>
internal static class CompleteLists
{
    public static void ListServices(this ClusterCache cache, params Service[] services)
    {
        using var list = cache.BeginServices();
        foreach (var service in services)
        {
            list.Add(service);
        }

        list.Complete();
    }

    public static void ListSlices(this ClusterCache cache, params EndpointSlice[] slices)
    {
        using var list = cache.BeginSlices();
        foreach (var slice in slices)
        {
            list.Add(slice);
        }

        list.Complete();
    }
}
