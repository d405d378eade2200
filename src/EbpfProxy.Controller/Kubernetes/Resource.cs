using System.Text.Json;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// One resource of the API that is listed and watched: what to ask for, and where its objects go. Used by one loop.
/// </summary>
internal abstract class Resource
{
    /// <summary>The kind of its objects, for reports.</summary>
    public required string Kind { get; init; }

    /// <summary>The path below the server, as in "/api/v1/services".</summary>
    public required string Path { get; init; }

    /// <summary>The selectors, as the query wants them; empty for none.</summary>
    public string Selector { get; set; } = "";

    /// <summary>What an old server, which does not know a field of <see cref="Selector"/>, is asked instead; null where there is no such field.</summary>
    public string? PlainSelector { get; init; }

    /// <summary>Whether a server may do without it: then it counts as an empty list.</summary>
    public bool IsOptional { get; init; }

    /// <summary>The resource's plural name, as in "services".</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    public abstract void BeginList();

    /// <summary>Takes an object of the list that was begun.</summary>
    public abstract void AddListed(ReadOnlySpan<byte> json);

    /// <summary>The list is complete: what it did not have is gone.</summary>
    public abstract void CompleteList();

    /// <summary>The list broke off; does nothing where none was begun or where it is complete.</summary>
    public abstract void AbandonList();

    public abstract void Set(ReadOnlySpan<byte> json);

    public abstract void Remove(ReadOnlySpan<byte> json);

    public abstract ObjectMetadata ReadMetadata(ReadOnlySpan<byte> json);
}

/// <summary>A resource whose objects are read by one reader.</summary>
internal abstract class Resource<T>(ObjectReader<T> reader) : Resource
    where T : class
{
    public override void AddListed(ReadOnlySpan<byte> json)
    {
        if (Read(json) is { } item)
        {
            AddListed(item);
        }
    }

    public override void Set(ReadOnlySpan<byte> json)
    {
        if (Read(json) is { } item)
        {
            Set(item);
        }
        else
        {
            // What is of no use now must not live on as it was: a full list would not have it either.
            Remove(json);
        }
    }

    public override void Remove(ReadOnlySpan<byte> json)
    {
        var metadata = ReadMetadata(json);
        if (metadata.Name.Length > 0)
        {
            Remove(metadata.ObjectName);
        }
    }

    public override ObjectMetadata ReadMetadata(ReadOnlySpan<byte> json)
    {
        var utf8 = Begin(json);
        return reader.ReadMetadata(utf8);
    }

    protected abstract void AddListed(T item);

    protected abstract void Set(T item);

    protected abstract void Remove(ObjectName name);

    private static Utf8JsonReader Begin(ReadOnlySpan<byte> json)
    {
        var utf8 = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        utf8.Read();
        return utf8;
    }

    private T? Read(ReadOnlySpan<byte> json)
    {
        var utf8 = Begin(json);
        return utf8.TokenType == JsonTokenType.StartObject ? reader.Read(ref utf8) : null;
    }
}

/// <summary>A resource whose objects the sink takes one by one.</summary>
internal abstract class ListedResource<T>(ObjectReader<T> reader) : Resource<T>(reader)
    where T : class
{
    private IObjectList<T>? _list;

    public override void BeginList() => _list = Begin();

    public override void CompleteList()
    {
        _list?.Complete();
        AbandonList();
    }

    public override void AbandonList()
    {
        _list?.Dispose();
        _list = null;
    }

    protected abstract IObjectList<T> Begin();

    protected abstract void SetNow(T item);

    protected override void AddListed(T item) => Set(item);

    /// <summary>Within a list that is streamed, a change counts as part of it.</summary>
    protected override void Set(T item)
    {
        if (_list is { } list)
        {
            list.Add(item);
        }
        else
        {
            SetNow(item);
        }
    }
}

/// <summary>Services of every namespace, but for headless ones and those of other proxies.</summary>
internal sealed class ServiceResource(IClusterSink sink, ServiceReader reader) : ListedResource<Service>(reader)
{
    protected override IObjectList<Service> Begin() => sink.BeginServices();

    protected override void SetNow(Service item) => sink.SetService(item);

    protected override void Remove(ObjectName name) => sink.RemoveService(name);
}

/// <summary>EndpointSlices of every namespace, but for those of headless Services.</summary>
internal sealed class SliceResource(IClusterSink sink, EndpointSliceReader reader, ApiServers servers)
    : ListedResource<EndpointSlice>(reader)
{
    protected override IObjectList<EndpointSlice> Begin() => sink.BeginSlices();

    protected override void Set(EndpointSlice item)
    {
        servers.Learn(item);
        base.Set(item);
    }

    protected override void SetNow(EndpointSlice item) => sink.SetSlice(item);

    protected override void Remove(ObjectName name) => sink.RemoveSlice(name);
}
