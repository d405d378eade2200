using System.Text.Json;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Objects;

/// <summary>What the proxy reads of an object's metadata. Strings are empty where there are none.</summary>
internal readonly record struct ObjectMetadata
{
    public ObjectMetadata()
    {
    }

    public string Namespace { get; init; } = "";

    public string Name { get; init; } = "";

    public string ResourceVersion { get; init; } = "";

    /// <summary>The label kubernetes.io/service-name.</summary>
    public string ServiceName { get; init; } = "";

    /// <summary>The label topology.kubernetes.io/zone.</summary>
    public string Zone { get; init; } = "";

    /// <summary>Whether the label service.kubernetes.io/service-proxy-name is there, whatever its value.</summary>
    public bool HasServiceProxyName { get; init; }

    /// <summary>Whether the label service.kubernetes.io/headless is there, whatever its value.</summary>
    public bool IsHeadless { get; init; }

    public bool IsDeleted { get; init; }

    /// <summary>The annotation endpoints.kubernetes.io/last-change-trigger-time; null where there is none that parses.</summary>
    public DateTimeOffset? TriggerTime { get; init; }

    /// <summary>Whether a bookmark says that a streamed list is complete: the annotation k8s.io/initial-events-end.</summary>
    public bool EndsInitialEvents { get; init; }

    public ObjectName ObjectName => new(Namespace, Name);

    /// <summary>Reads the metadata of the object whose start the reader is at, wherever in the object they stand.</summary>
    public static ObjectMetadata Read(Utf8JsonReader reader, StringPool strings)
    {
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                return reader.Read() && reader.TokenType == JsonTokenType.StartObject ? ReadFields(ref reader, strings) : new();
            }

            reader.Skip();
        }

        return new();
    }

    private static ObjectMetadata ReadFields(ref Utf8JsonReader reader, StringPool strings)
    {
        var metadata = new ObjectMetadata();
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("name"u8))
            {
                metadata = metadata with { Name = reader.NextString() ?? "" };
            }
            else if (reader.ValueTextEquals("namespace"u8))
            {
                metadata = metadata with { Namespace = reader.NextString(strings) ?? "" };
            }
            else if (reader.ValueTextEquals("resourceVersion"u8))
            {
                metadata = metadata with { ResourceVersion = reader.NextString() ?? "" };
            }
            else if (reader.ValueTextEquals("deletionTimestamp"u8))
            {
                metadata = metadata with { IsDeleted = reader.NextString(strings) is not null };
            }
            else if (reader.ValueTextEquals("labels"u8))
            {
                metadata = ReadLabels(ref reader, metadata, strings);
            }
            else if (reader.ValueTextEquals("annotations"u8))
            {
                metadata = ReadAnnotations(ref reader, metadata);
            }
            else
            {
                reader.Skip();
            }
        }

        return metadata;
    }

    private static ObjectMetadata ReadLabels(ref Utf8JsonReader reader, ObjectMetadata metadata, StringPool strings)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return metadata;
        }

        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("kubernetes.io/service-name"u8))
            {
                metadata = metadata with { ServiceName = reader.NextString() ?? "" };
            }
            else if (reader.ValueTextEquals("topology.kubernetes.io/zone"u8))
            {
                metadata = metadata with { Zone = reader.NextString(strings) ?? "" };
            }
            else if (reader.ValueTextEquals("service.kubernetes.io/service-proxy-name"u8))
            {
                metadata = metadata with { HasServiceProxyName = true };
                reader.Skip();
            }
            else if (reader.ValueTextEquals("service.kubernetes.io/headless"u8))
            {
                metadata = metadata with { IsHeadless = true };
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        return metadata;
    }

    private static ObjectMetadata ReadAnnotations(ref Utf8JsonReader reader, ObjectMetadata metadata)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return metadata;
        }

        while (reader.NextProperty())
        {
            bool endsInitialEvents = reader.ValueTextEquals("k8s.io/initial-events-end"u8);
            bool isTriggerTime = reader.ValueTextEquals("endpoints.kubernetes.io/last-change-trigger-time"u8);
            reader.Read();
            if (reader.TokenType == JsonTokenType.String)
            {
                if (endsInitialEvents && reader.ValueTextEquals("true"u8))
                {
                    metadata = metadata with { EndsInitialEvents = true };
                }
                else if (isTriggerTime && reader.TryGetDateTimeOffset(out var time))
                {
                    metadata = metadata with { TriggerTime = time };
                }
            }

            reader.Skip();
        }

        return metadata;
    }
}
