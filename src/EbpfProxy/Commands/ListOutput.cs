using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Commands;

/// <summary>A service in JSON.</summary>
internal sealed record ServiceJson(
    uint Id,
    string Namespace,
    string Name,
    string Port,
    string Protocol,
    string Family,
    IReadOnlyList<FrontendJson> Frontends,
    VerdictsJson Verdicts,
    uint AffinitySeconds,
    IReadOnlyList<string> SourceRanges,
    IReadOnlyList<string> LeftToStack,
    int Backends,
    int UsableBackends)
{
    public static ServiceJson From(ServiceRow row) => new(
        row.Id,
        row.Key.Service.Namespace,
        row.Key.Service.Name,
        row.Key.PortName,
        Words.Of(row.Key.Protocol),
        row.Key.Family.ToString(),
        [.. row.Frontends.Select(f => new FrontendJson(f.Kind == FrontendKind.NodePort ? "" : f.Address.ToString(), f.Port, f.Kind.ToString()))],
        new VerdictsJson(Words.Of(row.Verdicts.Internal), Words.Of(row.Verdicts.External), Words.Of(row.Verdicts.ExternalNear)),
        row.AffinitySeconds,
        [.. row.SourceRanges.Select(range => range.ToString())],
        [.. row.LeftToStack.Select(address => address.ToString())],
        row.Backends.Length,
        row.ClusterBackends);
}

/// <summary>A frontend in JSON; a node port has no address.</summary>
internal sealed record FrontendJson(string Address, ushort Port, string Kind);

/// <summary>What each class of traffic gets, in JSON.</summary>
internal sealed record VerdictsJson(string Internal, string External, string ExternalNear);

/// <summary>A backend in JSON.</summary>
internal sealed record BackendJson(uint Id, string Namespace, string Service, string PortName, string Address, ushort Port, string State, bool OnNode)
{
    public static BackendJson From(ServiceRow service, BackendRow row) => new(
        row.Id,
        service.Key.Service.Namespace,
        service.Key.Service.Name,
        service.Key.PortName,
        row.Address.ToString(),
        row.Port,
        Words.Of(row.Use),
        row.Use.HasFlag(BackendUse.OnNode));
}

/// <summary>The state of the node in JSON.</summary>
internal sealed record StatusJson(string Version, bool Running, bool Attached, int Services, int Backends, IReadOnlyDictionary<string, ulong> Events,
    IReadOnlyList<DeviceHookJson> Devices, FastPathJson FastPath);

/// <summary>Whether connections go around the stack.</summary>
internal sealed record FastPathJson(bool On, string Reason);

/// <summary>A program of ours at a device.</summary>
internal sealed record DeviceHookJson(string Device, string Direction, string Place, IReadOnlyList<string> Before, IReadOnlyList<string> After);

/// <summary>One thing that was checked, in JSON.</summary>
internal sealed record CheckJson(string Name, string State, string Detail);

[JsonSerializable(typeof(IReadOnlyList<ServiceJson>))]
[JsonSerializable(typeof(IReadOnlyList<BackendJson>))]
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
}
