using System.Text.Json;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Objects;

/// <summary>Reads v1 Nodes.</summary>
internal sealed class NodeReader(IObjectFaults faults) : ObjectReader<ClusterNode>("Node", isNamespaced: false, faults)
{
    private readonly List<Address> _internal = [];
    private readonly List<Address> _external = [];
    private readonly List<Prefix> _podPrefixes = [];

    protected override ClusterNode? ReadFields(ref Utf8JsonReader reader)
    {
        _internal.Clear();
        _external.Clear();
        _podPrefixes.Clear();
        bool isLeaving = false;
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("spec"u8))
            {
                isLeaving = EnterObject(ref reader, "spec") && ReadSpec(ref reader);
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

        return new ClusterNode(Metadata.Name, Metadata.Zone, [.. _internal, .. _external], Metadata.IsDeleted, isLeaving)
        {
            PodPrefixes = [.. _podPrefixes],
        };
    }

    private bool ReadSpec(ref Utf8JsonReader reader)
    {
        bool isLeaving = false;
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("podCIDRs"u8))
            {
                ReadPodPrefixes(ref reader);
            }
            else if (!reader.ValueTextEquals("taints"u8))
            {
                reader.Skip();
            }
            else if (EnterArray(ref reader, "spec.taints"))
            {
                for (int i = 0; reader.NextElement(); i++)
                {
                    isLeaving |= Expect(ref reader, JsonTokenType.StartObject, new("spec.taints", i), "an object")
                        && IsLeavingTaint(ref reader);
                }
            }
        }

        return isLeaving;
    }

    private void ReadPodPrefixes(ref Utf8JsonReader reader)
    {
        const string Path = "spec.podCIDRs";
        if (!EnterArray(ref reader, Path))
        {
            return;
        }

        for (int i = 0; reader.NextElement(); i++)
        {
            if (TryReadPrefix(ref reader, new(Path, i), out var prefix))
            {
                _podPrefixes.Add(prefix);
            }
        }
    }

    private static bool IsLeavingTaint(ref Utf8JsonReader reader)
    {
        bool isLeaving = false;
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("key"u8))
            {
                reader.Read();
                isLeaving = reader.TokenType == JsonTokenType.String
                    && reader.ValueTextEquals("ToBeDeletedByClusterAutoscaler"u8);
            }

            reader.Skip();
        }

        return isLeaving;
    }

    private void ReadStatus(ref Utf8JsonReader reader)
    {
        while (reader.NextProperty())
        {
            if (!reader.ValueTextEquals("addresses"u8))
            {
                reader.Skip();
            }
            else if (EnterArray(ref reader, "status.addresses"))
            {
                for (int i = 0; reader.NextElement(); i++)
                {
                    if (Expect(ref reader, JsonTokenType.StartObject, new("status.addresses", i), "an object"))
                    {
                        ReadAddress(ref reader, i);
                    }
                }
            }
        }
    }

    private void ReadAddress(ref Utf8JsonReader reader, int index)
    {
        const string Path = "status.addresses";
        var value = reader;
        string? type = null;
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("type"u8))
            {
                type = ReadString(ref reader, new(Path, index, "type"));
            }
            else
            {
                reader.Skip();
            }
        }

        var list = type switch { "InternalIP" => _internal, "ExternalIP" => _external, _ => null };
        while (list is not null && value.NextProperty())
        {
            if (!value.ValueTextEquals("address"u8))
            {
                value.Skip();
            }
            else if (value.Read() && TryReadAddress(ref value, new(Path, index, "address"), out var address))
            {
                list.Add(address);
            }
        }
    }
}
