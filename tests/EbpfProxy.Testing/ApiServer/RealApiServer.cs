using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>
/// Kubernetes' own API server over etcd, from the folder that KUBEBUILDER_ASSETS names. One from before 1.21 gets the
/// EndpointSlices of discovery.k8s.io/v1 as a custom resource.
/// </summary>
public sealed class RealApiServer : IApiServer
{
    private const string SlicesOfV1 = """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
         "metadata":{"name":"endpointslices.discovery.k8s.io","annotations":{"api-approved.kubernetes.io":"unapproved, of a test"}},
         "spec":{"group":"discovery.k8s.io","scope":"Namespaced","names":{"kind":"EndpointSlice","plural":"endpointslices"},
          "versions":[{"name":"v1","served":true,"storage":true,
           "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
        """;

    /// <summary>A group that the server has itself cannot have custom resources. What was new then has to be switched on.</summary>
    private static readonly string[] _argumentsBefore121 =
    [
        "--runtime-config=discovery.k8s.io/v1beta1=false",
        "--feature-gates=IPv6DualStack=true,MixedProtocolLBService=true,ServiceLBNodePortControl=true",
    ];

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly ControlPlaneFiles _files;
    private readonly string _program;
    private ControlPlaneProcess? _etcd;
    private ControlPlaneProcess? _server;
    private HttpClient? _client;

    private RealApiServer(string program, ControlPlaneFiles files)
    {
        (_program, _files) = (program, files);
        Version = VersionOf(program);
    }

    /// <summary>The folder with etcd and kube-apiserver; null where none is named.</summary>
    public static string? Assets => Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS") is { Length: > 0 } folder ? folder : null;

    public Uri Address => _server!.Address;

    public Version Version { get; }

    private bool HasSlices => Version >= new Version(1, 21);

    /// <summary>Starts one, which removes the files when it is disposed.</summary>
    public static async Task<RealApiServer> StartAsync(ControlPlaneFiles files)
    {
        string assets = Assets ?? throw new InvalidOperationException("KUBEBUILDER_ASSETS names no folder");
        var server = new RealApiServer(Path.Combine(assets, "kube-apiserver"), files);
        try
        {
            server._etcd = await ControlPlaneProcess.StartEtcdAsync(Path.Combine(assets, "etcd"), files);
            await server.StartAsync();
            if (!server.HasSlices)
            {
                await server.DefineSlicesAsync();
            }

            await server.ApplyAsync("{'kind':'Namespace','apiVersion':'v1','metadata':{'name':'shop'}}");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The path of an object, as the API has it.</summary>
    public static string PathOf(string kind, string space, string name)
    {
        string resources = kind == "Namespace" ? "/api/v1/namespaces" : ResourceType.All.Single(type => type.Kind == kind).Path;
        int last = resources.LastIndexOf('/');
        string within = space.Length == 0 ? "" : $"/namespaces/{space}";
        return $"{resources[..last]}{within}{resources[last..]}/{name}";
    }

    public async Task StartAsync()
    {
        _server = await ControlPlaneProcess.StartApiServerAsync(_program, _files, _etcd!.Address, HasSlices ? [] : _argumentsBefore121);
        _client ??= _files.MakeClient(_server.Address);
    }

    public Task StopAsync()
    {
        _server?.Dispose();
        return Task.CompletedTask;
    }

    public string WriteKubeconfig(string folder) => new Kubeconfig
    {
        Server = _server!.Address,
        Cluster = { ["certificate-authority"] = _files.Authority },
        User = { ["client-certificate"] = _files.AdminCertificate, ["client-key"] = _files.AdminKey },
    }.Write(Path.Combine(folder, "kubeconfig"));

    public async Task ApplyAsync(string json)
    {
        var item = JsonNode.Parse(json.Contains('"') ? json : json.Replace('\'', '"'))!.AsObject();
        var metadata = item["metadata"]!;
        string path = PathOf($"{item["kind"]}", $"{metadata["namespace"]}", $"{metadata["name"]}");
        item.Remove("status", out var status);
        using var found = await _client!.GetAsync(path);
        if (found.IsSuccessStatusCode)
        {
            var before = await ReadAsync(found);
            metadata["resourceVersion"] = before["metadata"]!["resourceVersion"]!.DeepClone();
            if (before["spec"]?["healthCheckNodePort"] is { } port && $"{item["spec"]!["externalTrafficPolicy"]}" == "Local")
            {
                // Given by the server, and not to be changed.
                item["spec"]!["healthCheckNodePort"] ??= port.DeepClone();
            }
        }

        var written = found.IsSuccessStatusCode
            ? await WriteAsync(HttpMethod.Put, path, item)
            : await WriteAsync(HttpMethod.Post, path[..path.LastIndexOf('/')], item);
        if ($"{item["kind"]}" is "Service" or "Node")
        {
            written["status"] = status?.DeepClone() ?? new JsonObject();
            await WriteAsync(HttpMethod.Put, $"{path}/status", written);
        }
    }

    public async Task DeleteAsync(string kind, string space, string name)
    {
        using var answer = await _client!.DeleteAsync(PathOf(kind, space, name));
        await CheckAsync(answer);
    }

    public ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _server?.Dispose();
        _etcd?.Dispose();
        _files.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<JsonNode> WriteAsync(HttpMethod method, string path, JsonNode item)
    {
        using var body = new StringContent(item.ToJsonString(), Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(method, path) { Content = body };
        using var answer = await _client!.SendAsync(request);
        await CheckAsync(answer);
        return await ReadAsync(answer);
    }

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage answer) =>
        (await JsonNode.ParseAsync(await answer.Content.ReadAsStreamAsync()))!;

    private async Task DefineSlicesAsync()
    {
        string slices = ResourceType.All.Single(type => type.Kind == "EndpointSlice").Path;
        using var body = new StringContent(SlicesOfV1, Encoding.UTF8, "application/json");
        using var answer = await _client!.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body);
        await CheckAsync(answer);
        long begin = Environment.TickCount64;
        while (!await AnswersAsync(slices))
        {
            if (Environment.TickCount64 - begin > _deadline.TotalMilliseconds)
            {
                throw new IOException($"{slices} is not served");
            }

            await Task.Delay(50);
        }
    }

    private async Task<bool> AnswersAsync(string path)
    {
        using var answer = await _client!.GetAsync(path);
        return answer.IsSuccessStatusCode;
    }

    /// <summary>As in "Kubernetes v1.20.2".</summary>
    private static Version VersionOf(string program) =>
        Version.Parse(Shell.Require("\"$1\" --version", program).Split('v')[^1].Split('-', '+')[0].Trim());

    private static async Task CheckAsync(HttpResponseMessage answer)
    {
        if (!answer.IsSuccessStatusCode)
        {
            throw new HttpRequestException(await answer.Content.ReadAsStringAsync(), null, (HttpStatusCode?)answer.StatusCode);
        }
    }
}
