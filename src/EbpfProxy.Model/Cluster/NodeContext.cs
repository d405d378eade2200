using System.Collections.Immutable;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Cluster;

/// <summary>What of the node the tables of a Service depend on; where it changes, every Service is built again.</summary>
/// <param name="Name">The name that node hints are compared with.</param>
/// <param name="Zone">The zone that zone hints are compared with; empty for none, which no hint matches.</param>
/// <param name="Addresses">The node's addresses, the one that counts of each family first; empty where none is known.</param>
public readonly record struct NodeContext(string Name, string Zone, ImmutableArray<Address> Addresses = default)
{
    /// <summary>The node's own address of a family; null where none is known.</summary>
    public Address? AddressOf(IpFamily family)
    {
        foreach (var address in Addresses.AsSpan())
        {
            if (address.Family == family)
            {
                return address;
            }
        }

        return null;
    }
}
