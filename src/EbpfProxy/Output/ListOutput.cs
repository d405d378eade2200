using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Output;

/// <summary>A service in JSON.</summary>
internal record ServiceJson(
    uint Id,
    string Namespace,
    string Service,
    string PortName,
    string Protocol,
    string Family,
    IReadOnlyList<FrontendJson> Frontends,
    VerdictsJson Verdicts,
    uint AffinitySeconds,
    IReadOnlyList<string> SourceRanges,
    IReadOnlyList<string> LeftToStack,
    int BackendCount,
    int UsableBackendCount,
    ConnectionCountJson? Connections)
{
    public static ServiceJson From(CountedService service) => From(service.Row, service.Connections);

    public static ServiceJson From(ServiceRow row, ConnectionCount? connections) => new(
        row.Id,
        row.Key.Service.Namespace,
        row.Key.Service.Name,
        row.Key.PortName,
        Words.Of(row.Key.Protocol),
        row.Key.Family.ToString(),
        [.. row.Frontends.Select(f => new FrontendJson(f.Kind == FrontendKind.NodePort ? null : f.Address.ToString(), f.Port, f.Kind.ToString()))],
        new VerdictsJson(Words.Of(row.Verdicts.Internal), Words.Of(row.Verdicts.External), Words.Of(row.Verdicts.ExternalNear)),
        row.AffinitySeconds,
        [.. row.SourceRanges.Select(range => range.ToString())],
        [.. row.LeftToStack.Select(address => address.ToString())],
        row.Backends.Length,
        row.ClusterBackends,
        ConnectionCountJson.From(connections));
}

/// <summary>How many connections somebody has, in JSON.</summary>
internal sealed record ConnectionCountJson(int Active, int Closing)
{
    public static ConnectionCountJson? From(ConnectionCount? count) => count is { } known ? new ConnectionCountJson(known.Active, known.Closing) : null;
}

/// <summary>A frontend in JSON; a node port has no address.</summary>
internal sealed record FrontendJson(string? Address, ushort Port, string Kind);

/// <summary>What each class of traffic gets, in JSON.</summary>
internal sealed record VerdictsJson(string Internal, string External, string ExternalNear);

/// <summary>A backend in JSON.</summary>
internal sealed record BackendJson(
    uint Id,
    string Namespace,
    string Service,
    string PortName,
    string Protocol,
    string Address,
    ushort Port,
    string State,
    bool OnNode,
    ConnectionCountJson? Connections)
{
    public static BackendJson From(CountedBackend backend) => new(
        backend.Row.Id,
        backend.Service.Key.Service.Namespace,
        backend.Service.Key.Service.Name,
        backend.Service.Key.PortName,
        Words.Of(backend.Service.Key.Protocol),
        backend.Row.Address.ToString(),
        backend.Row.Port,
        Words.Of(backend.Row.Use),
        backend.Row.Use.HasFlag(BackendUse.OnNode),
        ConnectionCountJson.From(backend.Connections));
}

/// <summary>A connection in JSON.</summary>
internal sealed record ConnectionJson(
    int Id,
    string? Namespace,
    string? Service,
    string? PortName,
    string Protocol,
    AddressPortJson Client,
    AddressPortJson Frontend,
    AddressPortJson Backend,
    AddressPortJson? SeenAs,
    string State,
    double IdleSeconds,
    ulong BytesSent,
    ulong BytesReceived)
{
    public static ConnectionJson From(ConnectionRow row) => new(
        row.Id,
        row.Service?.Service.Namespace,
        row.Service?.Service.Name,
        row.Service?.PortName,
        Words.Of(row.Protocol),
        AddressPortJson.From(row.Client),
        AddressPortJson.From(row.Frontend),
        AddressPortJson.From(row.Backend),
        row.Source is { } source ? AddressPortJson.From(source) : null,
        Words.Of(row.State),
        Math.Round(row.Idle.TotalSeconds, 1),
        row.BytesSent,
        row.BytesReceived);
}

/// <summary>An address with a port in JSON.</summary>
internal sealed record AddressPortJson(string Address, ushort Port)
{
    public static AddressPortJson From(AddressPort place) => new(place.Address.ToString(), place.Port);
}

/// <summary>A client that a service remembers, in JSON.</summary>
internal sealed record AffinityJson(
    string Namespace, string Service, string PortName, string Protocol, string ClientAddress, AddressPortJson Backend, double RemainingSeconds)
{
    public static AffinityJson From(AffinityRow row) => new(
        row.Service.Service.Namespace,
        row.Service.Service.Name,
        row.Service.PortName,
        Words.Of(row.Service.Protocol),
        row.Client.ToString(),
        AddressPortJson.From(row.Backend),
        Math.Round(row.Left.TotalSeconds, 1));
}

/// <summary>A socket that talks to a service, in JSON; without a pid where no process has it, or a hidden one.</summary>
internal sealed record SocketJson(
    string? Namespace,
    string? Service,
    string? PortName,
    string Protocol,
    int? Pid,
    string? Command,
    string? Cgroup,
    ulong NetworkNamespace,
    AddressPortJson Frontend,
    AddressPortJson Backend,
    string State,
    ulong? BytesSent,
    ulong? BytesReceived,
    ulong Cookie)
{
    public static SocketJson From(OwnedSocket socket) => new(
        socket.Row.Service?.Service.Namespace,
        socket.Row.Service?.Service.Name,
        socket.Row.Service?.PortName,
        Words.Of(socket.Row.Protocol),
        socket.Owner?.Pid,
        socket.Owner?.Command,
        socket.Owner?.Cgroup,
        socket.Row.Namespace,
        AddressPortJson.From(socket.Row.Frontend),
        AddressPortJson.From(socket.Row.Backend),
        Words.Of(socket.Row),
        socket.Row.BytesSent,
        socket.Row.BytesReceived,
        socket.Row.Cookie);
}

/// <summary>How full a map is, in JSON.</summary>
internal sealed record MapJson(string Map, long InUse, long Capacity, string WhenFull)
{
    public static MapJson From(TableFill fill) => new(fill.Table, fill.InUse, fill.Capacity, Words.WhenFull(fill.Table));
}

/// <summary>One thing that was checked, in JSON.</summary>
internal sealed record CheckJson(string Name, string State, string Message);

[JsonSerializable(typeof(IReadOnlyList<ServiceJson>))]
[JsonSerializable(typeof(IReadOnlyList<BackendJson>))]
[JsonSerializable(typeof(IReadOnlyList<ConnectionJson>))]
[JsonSerializable(typeof(IReadOnlyList<AffinityJson>))]
[JsonSerializable(typeof(IReadOnlyList<SocketJson>))]
[JsonSerializable(typeof(IReadOnlyList<TrafficJson>))]
[JsonSerializable(typeof(FlowEventJson))]
[JsonSerializable(typeof(IReadOnlyList<MapJson>))]
[JsonSerializable(typeof(IReadOnlyList<ServiceDetailJson>))]
[JsonSerializable(typeof(ExplanationJson))]
[JsonSerializable(typeof(IReadOnlyList<CheckJson>))]
[JsonSerializable(typeof(StatusJson))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
internal sealed partial class ListJsonContext : JsonSerializerContext
{
    /// <summary>For terminals and scripts, not for pages: quotes and signs stand as they are.</summary>
    public static ListJsonContext Readable { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>The same, each value on a line of its own.</summary>
    public static ListJsonContext Lines { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
