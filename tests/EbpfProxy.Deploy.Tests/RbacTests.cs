using System.Text.Json.Nodes;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Events;
using EbpfProxy.Controller.Health;
using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Controller.Sync;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Kernel;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace EbpfProxy.Deploy.Tests;

public sealed class RbacTests
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task The_role_allows_what_the_proxy_asks_for_and_nothing_else()
    {
        var asked = await AskEverythingAsync();
        var overlay = Overlay.Render("plain");

        var allowed = overlay.One<V1ClusterRole>("ebpf-proxy").Rules
            .SelectMany(rule => rule.ApiGroups, (rule, group) => (rule, group))
            .SelectMany(row => row.rule.Resources, (row, resource) => (row.rule, row.group, resource))
            .SelectMany(row => row.rule.Verbs, (row, verb) => $"{verb} {row.group}/{row.resource}")
            .Order();

        Assert.Equal([.. asked.Order()], allowed);
    }

    [Fact]
    public void The_role_is_that_of_the_daemon_s_account()
    {
        var overlay = Overlay.Render("plain");
        var binding = overlay.One<V1ClusterRoleBinding>("ebpf-proxy");
        var subject = Assert.Single(binding.Subjects);

        Assert.Equal(("ClusterRole", "ebpf-proxy"), (binding.RoleRef.Kind, binding.RoleRef.Name));
        Assert.Equal(("ServiceAccount", "ebpf-proxy", "kube-system"), (subject.Kind, subject.Name, subject.NamespaceProperty));
        Assert.Equal(overlay.Proxy.Spec.Template.Spec.ServiceAccountName, overlay.One<V1ServiceAccount>("ebpf-proxy").Metadata.Name);
    }

    /// <summary>Lets the real source follow an API server, and says what it asked for, as "list /services".</summary>
    private static async Task<HashSet<string>> AskEverythingAsync()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        var registry = Metrics.NewCustomRegistry();
        using var cache = new ClusterCache(new SyncMetrics(Metrics.WithCustomRegistry(registry), new ProxyHealth(TimeProvider.System, _deadline), TimeProvider.System));
        var options = new KubernetesOptions { NodeName = "node-a", Masters = [server.Address], InClusterServer = null, Qps = 0 };
        using var source = new KubernetesSource(
            options, cache, new NoFaults(), registry, NullLogger<KubernetesSource>.Instance, TimeProvider.System, Random.Shared);
        using var stop = new CancellationTokenSource();
        var run = source.RunAsync(stop.Token);

        source.Events.Publish(ClusterEvent.Starting("node-a"));
        Eventually.Holds(() => source.Watches.All(watch => watch.Watches > 0) && server.Events.Count > 0, _deadline);
        await stop.CancelAsync();
        await run;
        return [.. server.Requests.Where(request => !IsOfEvents(request)).SelectMany(Verbs), .. server.Events.Select(happened => $"create {Group(happened)}/events")];
    }

    /// <summary>A list may come as a watch where the server can do that; both are asked of an older one.</summary>
    private static IEnumerable<string> Verbs(ApiRequest request)
    {
        string[] parts = request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string resource = $"{(parts[0] == "apis" ? parts[1] : "")}/{parts[^1]}";
        yield return $"watch {resource}";
        yield return $"list {resource}";
    }

    private static bool IsOfEvents(ApiRequest request) => request.Path.EndsWith("/events", StringComparison.Ordinal);

    private static string Group(JsonObject item) => item["apiVersion"]!.GetValue<string>().Split('/')[0];

    private sealed class NoFaults : IObjectFaults
    {
        public void Report(string kind, ObjectName name, string field, string message) => Assert.Fail($"{kind} {name} {field}: {message}");
    }
}
