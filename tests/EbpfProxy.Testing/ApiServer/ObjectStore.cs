using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>A resource that the server has.</summary>
internal sealed record ResourceType(string Path, string Kind, string ApiVersion, bool IsNamespaced, ApiServerVersion Since = ApiServerVersion.V1_21)
{
    public static readonly IReadOnlyList<ResourceType> All =
    [
        new("/api/v1/services", "Service", "v1", true),
        new("/api/v1/nodes", "Node", "v1", false),
        new("/apis/discovery.k8s.io/v1/endpointslices", "EndpointSlice", "discovery.k8s.io/v1", true),
        new("/apis/networking.k8s.io/v1/servicecidrs", "ServiceCIDR", "networking.k8s.io/v1", false, ApiServerVersion.V1_36),
    ];

    public string Name => Path[(Path.LastIndexOf('/') + 1)..];
}

/// <summary>One state of an object. It is never changed.</summary>
internal sealed class StoredObject(string key, long version, JsonObject json)
{
    public string Key { get; } = key;

    public long Version { get; } = version;

    public JsonObject Json { get; } = json;

    public byte[] Utf8 { get; } = JsonSerializer.SerializeToUtf8Bytes(json);

    public StoredObject At(long version)
    {
        var copy = (JsonObject)Json.DeepClone();
        copy["metadata"]!["resourceVersion"] = version.ToString(CultureInfo.InvariantCulture);
        return new StoredObject(Key, version, copy);
    }
}

/// <summary>A change of an object: null before it was there, and after it is gone.</summary>
internal sealed record StoredChange(long Version, StoredObject? Old, StoredObject? New);

/// <summary>The objects of all resources, under one counter of versions, with the changes since the last compaction. Thread-safe.</summary>
internal sealed class ObjectStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, SortedDictionary<string, StoredObject>> _objects = [];
    private readonly Dictionary<string, List<StoredChange>> _changes = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Version { get; private set; } = 100;

    /// <summary>Watches from before this version are refused.</summary>
    public long Oldest { get; private set; } = 1;

    public void Apply(JsonObject json)
    {
        string kind = json["kind"]?.ToString() ?? throw new ArgumentException("The object has no kind.", nameof(json));
        var metadata = json["metadata"]!.AsObject();
        string key = $"{metadata["namespace"]}/{metadata["name"]}";
        lock (_lock)
        {
            var objects = Objects(kind);
            Version++;
            metadata["resourceVersion"] = Version.ToString(CultureInfo.InvariantCulture);
            metadata["uid"] ??= $"uid-{kind}-{key}";
            var item = new StoredObject(key, Version, json);
            objects.TryGetValue(key, out var old);
            objects[key] = item;
            Changes(kind).Add(new StoredChange(Version, old, item));
        }

        Signal();
    }

    public void Delete(string kind, string key)
    {
        lock (_lock)
        {
            if (!Objects(kind).Remove(key, out var old))
            {
                throw new KeyNotFoundException($"{kind} {key}");
            }

            Version++;
            Changes(kind).Add(new StoredChange(Version, old.At(Version), null));
        }

        Signal();
    }

    /// <summary>Forgets the changes up to now, as etcd does after five minutes.</summary>
    public void Compact()
    {
        lock (_lock)
        {
            Version++;
            Oldest = Version;
            _changes.Clear();
        }

        Signal();
    }

    public (long Version, StoredObject[] Objects) List(string kind)
    {
        lock (_lock)
        {
            return (Version, [.. Objects(kind).Values]);
        }
    }

    /// <summary>The changes after a version, and a task that ends with the next change of anything; null for a forgotten version.</summary>
    public (long Version, StoredChange[] Changes, Task Next)? Since(string kind, long version)
    {
        lock (_lock)
        {
            if (version < Oldest && version < Version)
            {
                return null;
            }

            return (Version, [.. Changes(kind).Where(change => change.Version > version)], _changed.Task);
        }
    }

    /// <summary>Wakes the watches up.</summary>
    public void Signal()
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }

    private SortedDictionary<string, StoredObject> Objects(string kind) =>
        _objects.TryGetValue(kind, out var objects) ? objects : _objects[kind] = new(StringComparer.Ordinal);

    private List<StoredChange> Changes(string kind) =>
        _changes.TryGetValue(kind, out var changes) ? changes : _changes[kind] = [];
}
