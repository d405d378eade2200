using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Objects;

/// <summary>Reads discovery.k8s.io/v1 EndpointSlices; an endpoint on the node of the given name is local.</summary>
internal sealed class EndpointSliceReader(IObjectFaults faults, string nodeName)
    : ObjectReader<EndpointSlice>("EndpointSlice", isNamespaced: true, faults)
{
    private readonly HintPool _hints = new();
    private readonly List<EndpointPort> _ports = [];
    private readonly List<Endpoint> _endpoints = [];

    protected override EndpointSlice? ReadFields(ref Utf8JsonReader reader)
    {
        if (Metadata.ServiceName.Length == 0)
        {
            Report("metadata.labels", "has no kubernetes.io/service-name, so the slice is no service's");
            reader.Skip();
            return null;
        }

        if (ReadFamily(reader) is not { } family)
        {
            reader.Skip();
            return null;
        }

        _ports.Clear();
        _endpoints.Clear();
        if (Metadata.IsHeadless)
        {
            // An API server is asked for others only. It is no service's that has an address, whatever its name.
            reader.Skip();
        }
        else
        {
            ReadParts(ref reader, family);
        }

        return new EndpointSlice
        {
            Name = Metadata.ObjectName,
            Service = new ObjectName(Metadata.Namespace, Metadata.ServiceName),
            Family = family,
            TriggerTime = Metadata.TriggerTime,
            Ports = ImmutableArray.Create(CollectionsMarshal.AsSpan(_ports)),
            Endpoints = ImmutableArray.Create(CollectionsMarshal.AsSpan(_endpoints)),
        };
    }

    private IpFamily? ReadFamily(Utf8JsonReader reader)
    {
        while (reader.NextProperty())
        {
            if (!reader.ValueTextEquals("addressType"u8))
            {
                reader.Skip();
                continue;
            }

            reader.Read();
            if (!Expect(ref reader, JsonTokenType.String, "addressType", "a string"))
            {
                return null;
            }

            if (reader.ValueTextEquals("IPv4"u8))
            {
                return IpFamily.IPv4;
            }

            if (reader.ValueTextEquals("IPv6"u8))
            {
                return IpFamily.IPv6;
            }

            Report("addressType", $"{Text(ref reader)} is not IPv4 or IPv6");
            return null;
        }

        Report("addressType", "is missing");
        return null;
    }

    private void ReadParts(ref Utf8JsonReader reader, IpFamily family)
    {
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("ports"u8))
            {
                if (EnterArray(ref reader, "ports"))
                {
                    for (int i = 0; reader.NextElement(); i++)
                    {
                        ReadPort(ref reader, i);
                    }
                }
            }
            else if (reader.ValueTextEquals("endpoints"u8))
            {
                if (EnterArray(ref reader, "endpoints"))
                {
                    for (int i = 0; reader.NextElement(); i++)
                    {
                        ReadEndpoint(ref reader, i, family);
                    }
                }
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void ReadPort(ref Utf8JsonReader reader, int index)
    {
        if (!Expect(ref reader, JsonTokenType.StartObject, new("ports", index), "an object"))
        {
            return;
        }

        string? name = AppliesServerDefaults ? "" : null;
        Protocol? protocol = Protocol.Tcp;
        uint? port = null;
        bool hasPort = false;
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("name"u8))
            {
                name = ReadString(ref reader, new("ports", index, "name")) ?? name;
            }
            else if (reader.ValueTextEquals("protocol"u8))
            {
                protocol = ReadProtocol(ref reader, new("ports", index, "protocol"));
            }
            else if (reader.ValueTextEquals("port"u8))
            {
                port = ReadNumber(ref reader, new("ports", index, "port"), 1, ushort.MaxValue);
                hasPort = reader.TokenType != JsonTokenType.Null;
            }
            else
            {
                reader.Skip();
            }
        }

        if (name is null)
        {
            Report(new("ports", index, "name"), "is missing");
        }
        else if (!hasPort)
        {
            Report(new("ports", index, "port"), "is missing");
        }
        else if (protocol is { } known && port is { } number)
        {
            _ports.Add(new EndpointPort(name, known, (ushort)number));
        }
    }

    private void ReadEndpoint(ref Utf8JsonReader reader, int index, IpFamily family)
    {
        if (!Expect(ref reader, JsonTokenType.StartObject, new("endpoints", index), "an object"))
        {
            return;
        }

        _hints.Clear();
        Address? address = null;
        var conditions = EndpointConditions.Ready | EndpointConditions.Serving;
        bool isLocal = false;
        bool isReported = false;
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("addresses"u8))
            {
                address = ReadAddresses(ref reader, index, family, out isReported);
            }
            else if (reader.ValueTextEquals("conditions"u8))
            {
                conditions = ReadConditions(ref reader, index);
            }
            else if (reader.ValueTextEquals("nodeName"u8))
            {
                reader.Read();
                isLocal = Expect(ref reader, JsonTokenType.String, new("endpoints", index, "nodeName"), "a string")
                    && reader.ValueTextEquals(nodeName);
            }
            else if (reader.ValueTextEquals("hints"u8))
            {
                ReadHints(ref reader, index);
            }
            else
            {
                reader.Skip();
            }
        }

        if (address is { } known)
        {
            _endpoints.Add(new Endpoint(known, conditions, isLocal, _hints.Take()));
        }
        else if (!isReported)
        {
            Report(new("endpoints", index, "addresses"), "is empty");
        }
    }

    private Address? ReadAddresses(ref Utf8JsonReader reader, int index, IpFamily family, out bool isReported)
    {
        isReported = false;
        if (!EnterArray(ref reader, new("endpoints", index, "addresses")))
        {
            return null;
        }

        Address? first = null;
        for (int i = 0; reader.NextElement(); i++)
        {
            if (i > 0)
            {
                reader.Skip();
                continue;
            }

            var field = new FieldPath("endpoints", index, "addresses", i);
            isReported = true;
            if (TryReadAddress(ref reader, field, out var address))
            {
                if (address.Family == family)
                {
                    first = address;
                }
                else
                {
                    Report(field, $"{Text(ref reader)} is not an address of the slice's type, {family}");
                }
            }
        }

        return first;
    }

    private EndpointConditions ReadConditions(ref Utf8JsonReader reader, int index)
    {
        bool ready = true;
        bool serving = true;
        bool terminating = false;
        if (EnterObject(ref reader, new("endpoints", index, "conditions")))
        {
            while (reader.NextProperty())
            {
                if (reader.ValueTextEquals("ready"u8))
                {
                    ready = ReadBoolean(ref reader, new("endpoints", index, "conditions.ready")) ?? true;
                }
                else if (reader.ValueTextEquals("serving"u8))
                {
                    serving = ReadBoolean(ref reader, new("endpoints", index, "conditions.serving")) ?? true;
                }
                else if (reader.ValueTextEquals("terminating"u8))
                {
                    terminating = ReadBoolean(ref reader, new("endpoints", index, "conditions.terminating")) ?? false;
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return (ready ? EndpointConditions.Ready : 0)
            | (serving ? EndpointConditions.Serving : 0)
            | (terminating ? EndpointConditions.Terminating : 0);
    }

    private void ReadHints(ref Utf8JsonReader reader, int index)
    {
        if (!EnterObject(ref reader, new("endpoints", index, "hints")))
        {
            return;
        }

        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("forZones"u8))
            {
                ReadNames(ref reader, new("endpoints", index, "hints.forZones"), _hints.Zones);
            }
            else if (reader.ValueTextEquals("forNodes"u8))
            {
                ReadNames(ref reader, new("endpoints", index, "hints.forNodes"), _hints.Nodes);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void ReadNames(ref Utf8JsonReader reader, FieldPath field, List<string> names)
    {
        if (!EnterArray(ref reader, field))
        {
            return;
        }

        for (int i = 0; reader.NextElement(); i++)
        {
            var element = field with { InnerIndex = i };
            if (!Expect(ref reader, JsonTokenType.StartObject, element, "an object"))
            {
                continue;
            }

            while (reader.NextProperty())
            {
                if (!reader.ValueTextEquals("name"u8))
                {
                    reader.Skip();
                }
                else if (ReadString(ref reader, element) is { Length: > 0 } name)
                {
                    names.Add(name);
                }
            }
        }
    }
}
