using System.Collections.Immutable;
using System.Text.Json;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Objects;

/// <summary>Reads v1 Services.</summary>
internal sealed partial class ServiceReader(IObjectFaults faults) : ObjectReader<Service>("Service", isNamespaced: true, faults)
{
    private const uint DefaultAffinitySeconds = 10800;
    private const uint MaxAffinitySeconds = 86400;

    /// <summary>Whether external IPs are a Service's own (Kubernetes' gate AllowServiceExternalIPs).</summary>
    public bool ReadsExternalIPs { get; init; } = true;

    private readonly List<ServicePort> _ports = [];
    private readonly List<Address> _externalIPs = [];
    private readonly List<Address> _loadBalancerIPs = [];
    private readonly List<Prefix> _sourceRanges = [];
    private readonly ClusterIPReader _clusterIPs = new();
    private Scalars _scalars = new();

    protected override int LongestName => LongestLabel;

    protected override Service? ReadFields(ref Utf8JsonReader reader)
    {
        Clear();
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("spec"u8))
            {
                if (EnterObject(ref reader, "spec"))
                {
                    ReadSpec(ref reader);
                }
            }
            else if (reader.ValueTextEquals("status"u8))
            {
                if (EnterObject(ref reader, "status"))
                {
                    ReadStatus(ref reader);
                }
            }
            else
            {
                reader.Skip();
            }
        }

        return Make();
    }

    private void Clear()
    {
        _ports.Clear();
        _externalIPs.Clear();
        _loadBalancerIPs.Clear();
        _sourceRanges.Clear();
        _clusterIPs.Clear();
        _scalars = new();
    }

    private Service Make()
    {
        // Of a ClusterIP Service the external policy counts only where external addresses can bring traffic from outside.
        bool isExternal = _scalars.Type is ServiceType.NodePort or ServiceType.LoadBalancer || _scalars.HasExternalIPs;
        var externalPolicy = isExternal ? _scalars.ExternalPolicy : TrafficPolicy.Cluster;
        return new Service
        {
            Name = Metadata.ObjectName,
            Type = _scalars.Type,
            ClusterIPs = _clusterIPs.Take((field, message) => Report(field, message)),
            Ports = [.. _ports],
            ExternalIPs = ReadsExternalIPs ? [.. _externalIPs] : [],
            LoadBalancerIPs = [.. _loadBalancerIPs],
            LoadBalancerSourceRanges = EffectiveRanges(),
            InternalTrafficPolicy = _scalars.InternalPolicy,
            ExternalTrafficPolicy = externalPolicy,
            AffinitySeconds = _scalars.HasAffinity ? _scalars.AffinitySeconds : 0,
            HealthCheckNodePort = HealthPort(externalPolicy),
            HasOtherProxy = Metadata.HasServiceProxyName,
        };
    }

    /// <summary>A prefix that covers all addresses of a family lifts the restriction for that family.</summary>
    private ImmutableArray<Prefix> EffectiveRanges()
    {
        bool openIPv4 = _sourceRanges.Exists(range => range is { Length: 0, Address.Family: IpFamily.IPv4 });
        bool openIPv6 = _sourceRanges.Exists(range => range is { Length: 0, Address.Family: IpFamily.IPv6 });
        return [.. _sourceRanges.Where(range => range.Address.Family == IpFamily.IPv4 ? !openIPv4 : !openIPv6)];
    }

    private ushort HealthPort(TrafficPolicy externalPolicy)
    {
        if (_scalars.Type != ServiceType.LoadBalancer || externalPolicy != TrafficPolicy.Local)
        {
            return 0;
        }

        if (_scalars.HealthCheckNodePort == 0)
        {
            Report("spec.healthCheckNodePort", "is missing, though externalTrafficPolicy is Local");
        }

        return _scalars.HealthCheckNodePort;
    }

    private void ReadSpec(ref Utf8JsonReader reader)
    {
        while (reader.NextProperty())
        {
            if (!ReadAddressField(ref reader) && !ReadPolicyField(ref reader))
            {
                reader.Skip();
            }
        }
    }

    private bool ReadAddressField(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("clusterIP"u8))
        {
            _clusterIPs.ClusterIP = ReadString(ref reader, "spec.clusterIP") ?? "";
        }
        else if (reader.ValueTextEquals("clusterIPs"u8))
        {
            ReadStrings(ref reader, "spec.clusterIPs", _clusterIPs.ClusterIPs);
        }
        else if (reader.ValueTextEquals("ipFamilies"u8))
        {
            ReadStrings(ref reader, "spec.ipFamilies", _clusterIPs.Families);
        }
        else if (reader.ValueTextEquals("externalIPs"u8))
        {
            ReadExternalIPs(ref reader);
        }
        else if (reader.ValueTextEquals("loadBalancerSourceRanges"u8))
        {
            ReadSourceRanges(ref reader);
        }
        else if (reader.ValueTextEquals("ports"u8))
        {
            ReadPorts(ref reader);
        }
        else
        {
            return false;
        }

        return true;
    }

    private bool ReadPolicyField(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("type"u8))
        {
            _scalars.Type = ReadType(ref reader);
        }
        else if (reader.ValueTextEquals("internalTrafficPolicy"u8))
        {
            _scalars.InternalPolicy = ReadPolicy(ref reader, "spec.internalTrafficPolicy");
        }
        else if (reader.ValueTextEquals("externalTrafficPolicy"u8))
        {
            _scalars.ExternalPolicy = ReadPolicy(ref reader, "spec.externalTrafficPolicy");
        }
        else if (reader.ValueTextEquals("sessionAffinity"u8))
        {
            _scalars.HasAffinity = ReadAffinity(ref reader);
        }
        else if (reader.ValueTextEquals("sessionAffinityConfig"u8))
        {
            ReadAffinitySeconds(ref reader);
        }
        else if (reader.ValueTextEquals("healthCheckNodePort"u8))
        {
            _scalars.HealthCheckNodePort = (ushort)(ReadNumber(ref reader, "spec.healthCheckNodePort", 0, ushort.MaxValue) ?? 0);
        }
        else
        {
            return false;
        }

        return true;
    }

    private void ReadStrings(ref Utf8JsonReader reader, string field, List<string> strings)
    {
        if (!EnterArray(ref reader, field))
        {
            return;
        }

        for (int i = 0; reader.NextElement(); i++)
        {
            // The places count, so something that is no string keeps its own.
            bool isString = Expect(ref reader, JsonTokenType.String, new(field, i), "a string");
            strings.Add(isString ? reader.GetString()! : "");
        }
    }

    private void ReadExternalIPs(ref Utf8JsonReader reader)
    {
        if (!EnterArray(ref reader, "spec.externalIPs"))
        {
            return;
        }

        for (int i = 0; reader.NextElement(); i++)
        {
            _scalars.HasExternalIPs = true;
            if (TryReadAddress(ref reader, new("spec.externalIPs", i), out var address))
            {
                _externalIPs.Add(address);
            }
        }
    }

    private void ReadSourceRanges(ref Utf8JsonReader reader)
    {
        const string Path = "spec.loadBalancerSourceRanges";
        if (!EnterArray(ref reader, Path))
        {
            return;
        }

        for (int i = 0; reader.NextElement(); i++)
        {
            if (TryReadPrefix(ref reader, new(Path, i), out var prefix))
            {
                _sourceRanges.Add(prefix);
            }
        }
    }

    private ServiceType ReadType(ref Utf8JsonReader reader)
    {
        string? type = ReadString(ref reader, "spec.type");
        switch (type)
        {
            case null or "" or "ClusterIP":
                return ServiceType.ClusterIP;
            case "NodePort":
                return ServiceType.NodePort;
            case "LoadBalancer":
                return ServiceType.LoadBalancer;
            case "ExternalName":
                return ServiceType.ExternalName;
            default:
                Report("spec.type", $"{Text(ref reader)} is not a known type; taken as ClusterIP");
                return ServiceType.ClusterIP;
        }
    }

    private TrafficPolicy ReadPolicy(ref Utf8JsonReader reader, string field)
    {
        switch (ReadString(ref reader, field))
        {
            case null or "" or "Cluster":
                return TrafficPolicy.Cluster;
            case "Local":
                return TrafficPolicy.Local;
            default:
                Report(field, $"{Text(ref reader)} is not Cluster or Local; taken as Cluster");
                return TrafficPolicy.Cluster;
        }
    }

    private bool ReadAffinity(ref Utf8JsonReader reader)
    {
        switch (ReadString(ref reader, "spec.sessionAffinity"))
        {
            case null or "" or "None":
                return false;
            case "ClientIP":
                return true;
            default:
                Report("spec.sessionAffinity", $"{Text(ref reader)} is not None or ClientIP; taken as None");
                return false;
        }
    }

    private void ReadAffinitySeconds(ref Utf8JsonReader reader)
    {
        if (!EnterObject(ref reader, "spec.sessionAffinityConfig"))
        {
            return;
        }

        while (reader.NextProperty())
        {
            if (!reader.ValueTextEquals("clientIP"u8))
            {
                reader.Skip();
            }
            else if (EnterObject(ref reader, "spec.sessionAffinityConfig.clientIP"))
            {
                while (reader.NextProperty())
                {
                    if (reader.ValueTextEquals("timeoutSeconds"u8))
                    {
                        _scalars.AffinitySeconds = ReadNumber(
                            ref reader, "spec.sessionAffinityConfig.clientIP.timeoutSeconds", 1, MaxAffinitySeconds)
                            ?? DefaultAffinitySeconds;
                    }
                    else
                    {
                        reader.Skip();
                    }
                }
            }
        }
    }

    private void ReadStatus(ref Utf8JsonReader reader)
    {
        while (reader.NextProperty())
        {
            if (!reader.ValueTextEquals("loadBalancer"u8))
            {
                reader.Skip();
            }
            else if (EnterObject(ref reader, "status.loadBalancer"))
            {
                while (reader.NextProperty())
                {
                    if (reader.ValueTextEquals("ingress"u8))
                    {
                        ReadIngress(ref reader);
                    }
                    else
                    {
                        reader.Skip();
                    }
                }
            }
        }
    }

    private void ReadIngress(ref Utf8JsonReader reader)
    {
        const string Path = "status.loadBalancer.ingress";
        if (!EnterArray(ref reader, Path))
        {
            return;
        }

        for (int i = 0; reader.NextElement(); i++)
        {
            if (!Expect(ref reader, JsonTokenType.StartObject, new(Path, i), "an object"))
            {
                continue;
            }

            Address? address = null;
            bool isVip = true;
            while (reader.NextProperty())
            {
                if (reader.ValueTextEquals("ip"u8))
                {
                    // A hostname's entry may carry an empty ip.
                    reader.Read();
                    bool isEmpty = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(""u8);
                    address = !isEmpty && TryReadAddress(ref reader, new(Path, i, "ip"), out var parsed) ? parsed : null;
                }
                else if (reader.ValueTextEquals("ipMode"u8))
                {
                    isVip = ReadString(ref reader, new(Path, i, "ipMode")) is null or "VIP";
                }
                else
                {
                    reader.Skip();
                }
            }

            if (isVip && address is { } known)
            {
                _loadBalancerIPs.Add(known);
            }
        }
    }

    private struct Scalars()
    {
        public ServiceType Type;
        public bool HasExternalIPs;
        public TrafficPolicy InternalPolicy;
        public TrafficPolicy ExternalPolicy;
        public bool HasAffinity;
        public uint AffinitySeconds = DefaultAffinitySeconds;
        public ushort HealthCheckNodePort;
    }
}
