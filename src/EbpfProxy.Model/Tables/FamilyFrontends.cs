using System.Collections.Immutable;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tables;

/// <summary>What of a Service stands in one family: who may ask, and under which addresses.</summary>
internal readonly struct FamilyFrontends
{
    private readonly Service _service;
    private readonly Address _clusterIP;
    private readonly IpFamily _family;

    public FamilyFrontends(Service service, Address clusterIP, NodeContext node)
    {
        _service = service;
        _clusterIP = clusterIP;
        _family = clusterIP.Family;
        SourceRanges = WithOwnAddresses(SourceRangesOf(service.LoadBalancerSourceRanges, _family), service.LoadBalancerIPs, node.AddressOf(_family));
        HasExternalAddresses = HasFamily(service.ExternalIPs) || HasFamily(service.LoadBalancerIPs);
    }

    /// <summary>Whether the Service has an external IP or a load-balancer address in the family.</summary>
    public bool HasExternalAddresses { get; }

    /// <summary>Empty for everyone.</summary>
    public ImmutableArray<Prefix> SourceRanges { get; }

    /// <summary>
    /// The frontends of a port. An address that stands twice counts once: as the cluster IP, else as a load-balancer
    /// address, because the source ranges would mean nothing if its other entry let everyone in.
    /// </summary>
    public ImmutableArray<Frontend> Of(ServicePort port)
    {
        int capacity = 2 + _service.LoadBalancerIPs.AsSpan().Length + _service.ExternalIPs.AsSpan().Length;
        var frontends = capacity <= 16 ? stackalloc Frontend[16] : new Frontend[capacity];
        frontends[0] = new Frontend(_clusterIP, port.Port, FrontendKind.ClusterIP);
        int count = 1;
        AddAll(_service.LoadBalancerIPs, port.Port, FrontendKind.LoadBalancer, frontends, ref count);
        AddAll(_service.ExternalIPs, port.Port, FrontendKind.ExternalIP, frontends, ref count);
        if (port.NodePort != 0)
        {
            frontends[count++] = new Frontend(Address.AnyOf(_family), port.NodePort, FrontendKind.NodePort);
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(frontends[..count].ToArray());
    }

    private static ImmutableArray<Prefix> SourceRangesOf(ImmutableArray<Prefix> all, IpFamily family)
    {
        int count = 0;
        foreach (var range in all.AsSpan())
        {
            if (range.Family != family)
            {
                continue;
            }

            if (range.Length == 0)
            {
                return [];
            }

            count++;
        }

        return count == 0 ? [] : count == all.Length ? all : all.RemoveAll(range => range.Family != family);
    }

    /// <summary>
    /// Where the node itself may ask, what it sends to a load-balancer address may come from one: from the address itself,
    /// where a device of the node holds it. So these are let in as well.
    /// </summary>
    private static ImmutableArray<Prefix> WithOwnAddresses(ImmutableArray<Prefix> ranges, ImmutableArray<Address> addresses, Address? node)
    {
        if (node is not { } own || !Contains(ranges, own))
        {
            return ranges;
        }

        foreach (var address in addresses.AsSpan())
        {
            if (address.Family == own.Family && !Contains(ranges, address))
            {
                ranges = ranges.Add(Prefix.Of(address));
            }
        }

        return ranges;
    }

    private static bool Contains(ImmutableArray<Prefix> ranges, Address address)
    {
        foreach (var range in ranges)
        {
            if (range.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private bool HasFamily(ImmutableArray<Address> addresses)
    {
        foreach (var address in addresses.AsSpan())
        {
            if (address.Family == _family)
            {
                return true;
            }
        }

        return false;
    }

    private void AddAll(ImmutableArray<Address> addresses, ushort port, FrontendKind kind, Span<Frontend> frontends, ref int count)
    {
        foreach (var address in addresses.AsSpan())
        {
            if (address.Family == _family && !Has(frontends[..count], address))
            {
                bool isLimited = kind == FrontendKind.LoadBalancer && !SourceRanges.IsEmpty;
                frontends[count++] = new Frontend(address, port, kind, isLimited);
            }
        }
    }

    private static bool Has(ReadOnlySpan<Frontend> frontends, Address address)
    {
        foreach (ref readonly var frontend in frontends)
        {
            if (frontend.Address == address)
            {
                return true;
            }
        }

        return false;
    }
}
