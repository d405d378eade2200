using System.Collections.Immutable;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Cluster;

/// <summary>The types of a Service; an ExternalName Service is not proxied.</summary>
public enum ServiceType : byte
{
    ClusterIP,
    NodePort,
    LoadBalancer,
    ExternalName,
}

/// <summary>internalTrafficPolicy or externalTrafficPolicy.</summary>
public enum TrafficPolicy : byte
{
    Cluster,
    Local,
}

/// <summary>One port of a Service. <see cref="NodePort"/> is 0 where there is none.</summary>
public sealed record ServicePort(string Name, Protocol Protocol, ushort Port, ushort NodePort);

/// <summary>
/// What the proxy reads of a v1 Service. Everything is parsed and valid: addresses that do not parse, ports out of range
/// and protocols that the kernel lacks were reported and left out by the reader.
/// </summary>
public sealed record Service
{
    public required ObjectName Name { get; init; }

    public ServiceType Type { get; init; }

    /// <summary>At most one address a family; empty for a headless Service (clusterIP "" or "None").</summary>
    public ImmutableArray<Address> ClusterIPs { get; init; } = [];

    public ImmutableArray<ServicePort> Ports { get; init; } = [];

    public ImmutableArray<Address> ExternalIPs { get; init; } = [];

    /// <summary>Ingress addresses whose ipMode is VIP or unset.</summary>
    public ImmutableArray<Address> LoadBalancerIPs { get; init; } = [];

    public ImmutableArray<Prefix> LoadBalancerSourceRanges { get; init; } = [];

    public TrafficPolicy InternalTrafficPolicy { get; init; }

    public TrafficPolicy ExternalTrafficPolicy { get; init; }

    /// <summary>The ClientIP affinity time-out in seconds; 0 without affinity.</summary>
    public uint AffinitySeconds { get; init; }

    /// <summary>0 where there is none.</summary>
    public ushort HealthCheckNodePort { get; init; }

    /// <summary>Whether the label service.kubernetes.io/service-proxy-name gives the Service to another proxy.</summary>
    public bool HasOtherProxy { get; init; }

    /// <summary>Whether it has anything to do with this proxy: not headless, no mere name, no other proxy's.</summary>
    public bool IsProxied => !ClusterIPs.IsDefaultOrEmpty && Type != ServiceType.ExternalName && !HasOtherProxy;

    public bool Equals(Service? other) =>
        other is not null
        && (Name, Type, InternalTrafficPolicy, ExternalTrafficPolicy, AffinitySeconds, HealthCheckNodePort, HasOtherProxy)
            == (other.Name, other.Type, other.InternalTrafficPolicy, other.ExternalTrafficPolicy, other.AffinitySeconds,
                other.HealthCheckNodePort, other.HasOtherProxy)
        && ClusterIPs.HasSameItems(other.ClusterIPs)
        && Ports.HasSameItems(other.Ports)
        && ExternalIPs.HasSameItems(other.ExternalIPs)
        && LoadBalancerIPs.HasSameItems(other.LoadBalancerIPs)
        && LoadBalancerSourceRanges.HasSameItems(other.LoadBalancerSourceRanges);

    public override int GetHashCode() => Name.GetHashCode();
}
