using System.Collections.Immutable;
using System.Runtime.InteropServices;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Manifests;
using EbpfProxy.Controller.Tests.Cache;
using EbpfProxy.Controller.Tests.Objects;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Tests.Manifests;

public sealed partial class ManifestSourceTests : IAsyncDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("ebpf-proxy-manifests-").FullName;
    private readonly RecordedFaults _faults = new();
    private readonly RecordedLog _log = new();
    private readonly ClusterCache _cache = new(new NoListener());
    private readonly ManifestSource _source;

    public ManifestSourceTests() =>
        _source = new ManifestSource(_folder, "n1", _cache, _faults, TimeProvider.System, _log);

    public async ValueTask DisposeAsync()
    {
        await _source.StopAsync(CancellationToken.None);
        _source.Dispose();
        _cache.Dispose();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task Documents_and_lists_of_all_files_are_read()
    {
        Write("1.yaml", $"{ServiceYaml("web")}\n---\n{SliceYaml("web-1", "web", "10.0.0.1", "10.0.0.2")}");
        Write("2.yml", """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Service, metadata: {name: api, namespace: prod}, spec: {clusterIP: 10.96.0.2, ports: [{port: 80}]}}
            - {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {topology.kubernetes.io/zone: z1}}}
            - {apiVersion: v1, kind: Node, metadata: {name: n2, labels: {topology.kubernetes.io/zone: z2}}}
            """);
        Write("3.json", """
            {"kind": "ServiceList", "apiVersion": "v1", "items": [{"metadata": {"name": "dns"}, "spec": {"clusterIP": "10.96.0.10"}}]}
            """);
        Write("cidr.yaml", "{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: k}, spec: {cidrs: [10.96.0.0/16]}}");
        Write(".hidden.yaml", ServiceYaml("hidden"));
        Write("notes.txt", ServiceYaml("text"));

        await StartAsync();

        var services = _cache.Take(everything: true).Services.OrderBy(s => s.Name).ToList();
        Assert.Equal(["default/dns", "default/web", "prod/api"], services.Select(s => s.Name.ToString()));
        Assert.Equal(2, Assert.Single(services[1].Slices).Endpoints.Length);
        Assert.Equal("z1", _cache.Node?.Zone);
        Assert.Equal("10.96.0.0/16", Assert.Single(_cache.ServicePrefixes).ToString());
        Assert.Empty(_faults.Lines);
    }

    [Theory]
    [InlineData("&list {kind: List, items: [*list]}")]
    [InlineData("kind: ServiceList\nitems: &items [{kind: ServiceList, items: *items}]")]
    public async Task A_list_that_is_in_itself_is_refused_and_the_rest_is_read(string yaml)
    {
        Write("1.yaml", yaml);
        Write("2.yaml", ServiceYaml("web"));

        await StartAsync();

        Assert.Equal("default/web", Assert.Single(_cache.Take(everything: true).Services).Name.ToString());
        Assert.Contains("is in more than 8 lists", Assert.Single(_faults.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conditions_may_be_said_in_any_word_of_yaml()
    {
        Write("1.yaml", ServiceYaml("web"));
        Write("2.yaml", """
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
            addressType: IPv4
            endpoints:
            - {addresses: [10.0.0.1], conditions: {ready: no, serving: On, terminating: yes}}
            ports: [{port: 80}]
            """);

        await StartAsync();

        var slice = Assert.Single(Assert.Single(_cache.Take(everything: true).Services).Slices);
        Assert.Equal(EndpointConditions.Serving | EndpointConditions.Terminating, Assert.Single(slice.Endpoints).Conditions);
        Assert.Empty(_faults.Lines);
    }

    [Fact]
    public async Task The_prefixes_are_there_with_the_first_lists()
    {
        Write("cidr.yaml", "{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: k}, spec: {cidrs: [10.96.0.0/16]}}");
        var listener = new FirstListsListener();
        using var cache = new ClusterCache(listener);
        listener.Cache = cache;
        using var source = new ManifestSource(_folder, "n1", cache, _faults, TimeProvider.System, _log);

        await source.StartAsync(TestContext.Current.CancellationToken);
        await WaitAsync(() => cache.IsSynced);
        await source.StopAsync(CancellationToken.None);

        Assert.Equal("10.96.0.0/16", Assert.Single(listener.Prefixes).ToString());
    }

    [Fact]
    public async Task An_empty_folder_is_a_cluster_without_services()
    {
        await StartAsync();

        Assert.Empty(_cache.Take(everything: true).Services);
        Assert.Equal("n1", _cache.Node?.Name);
    }

    [Fact]
    public async Task An_edit_changes_the_services_that_it_is_about()
    {
        Write("web.yaml", $"{ServiceYaml("web")}\n---\n{SliceYaml("web-1", "web", "10.0.0.1", "10.0.0.2")}");
        Write("api.yaml", ServiceYaml("api"));
        await StartSyncedAsync();

        Write("web.yaml", $"{ServiceYaml("web")}\n---\n{SliceYaml("web-1", "web", "10.0.0.1")}");

        var web = Assert.Single(await NextAsync());
        Assert.Equal("web", web.Name.Name);
        Assert.Single(Assert.Single(web.Slices).Endpoints);
    }

    [Fact]
    public async Task An_edit_that_renames_a_new_file_over_the_old_is_followed()
    {
        Write("web.yaml", ServiceYaml("web"));
        await StartSyncedAsync();

        Write(".web.yaml.swp", ServiceYaml("web", 81));
        File.Move(Path.Combine(_folder, ".web.yaml.swp"), Path.Combine(_folder, "web.yaml"), overwrite: true);

        Assert.Equal(81, Assert.Single(await NextAsync()).Service!.Ports[0].Port);
    }

    [Fact]
    public async Task The_swap_of_a_link_by_which_a_config_map_volume_changes_is_followed()
    {
        Write("..v1/web.yaml", ServiceYaml("web"));
        Write("..v2/web.yaml", ServiceYaml("web", 81));
        Link("..data", "..v1");
        Link("web.yaml", "..data/web.yaml");
        await StartSyncedAsync();

        Link("..data_tmp", "..v2");
        Assert.Equal(0, Rename(Path.Combine(_folder, "..data_tmp"), Path.Combine(_folder, "..data")));

        Assert.Equal(81, Assert.Single(await NextAsync()).Service!.Ports[0].Port);
    }

    [Fact]
    public async Task A_deleted_file_takes_its_objects_with_it()
    {
        Write("web.yaml", ServiceYaml("web"));
        Write("api.yaml", ServiceYaml("api"));
        await StartSyncedAsync();

        File.Delete(Path.Combine(_folder, "api.yaml"));

        var gone = Assert.Single(await NextAsync());
        Assert.Equal("api", gone.Name.Name);
        Assert.Null(gone.Service);
    }

    [Fact]
    public async Task A_file_that_is_no_yaml_any_more_keeps_its_objects_and_is_reported_once_with_its_line()
    {
        Write("web.yaml", ServiceYaml("web"));
        await StartSyncedAsync();

        Write("web.yaml", "apiVersion: v1\nkind: [");
        await WaitAsync(() => _faults.Lines.Count > 0);
        Write("api.yaml", ServiceYaml("api"));

        Assert.Equal("api", Assert.Single(await NextAsync()).Name.Name);
        Assert.Equal(2, _cache.Take(everything: true).Services.Count);
        string fault = Assert.Single(_faults.Lines);
        Assert.Contains("web.yaml:3:", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_earlier_run_may_have_read_of_a_file_that_is_broken_at_the_start_is_kept_until_it_is_repaired()
    {
        Write("web.yaml", "kind: [");
        Write("api.yaml", ServiceYaml("api"));
        await StartAsync();
        Assert.False(_cache.Take(everything: true).IsComplete);

        Write("web.yaml", ServiceYaml("web"));

        await WaitAsync(() => _cache.Take(everything: false) is { IsComplete: true, Services.Count: 2 });
    }

    [Fact]
    public async Task A_file_that_is_repaired_counts_again()
    {
        Write("web.yaml", "kind: [");
        await StartSyncedAsync();

        Write("web.yaml", ServiceYaml("web"));

        Assert.Equal("web", Assert.Single(await NextAsync()).Name.Name);
    }

    [Theory]
    [InlineData("just text", "is no object")]
    [InlineData("- apiVersion: v1", "is no object")]
    [InlineData("apiVersion: v1\nmetadata: {name: a}", "kind is missing")]
    public async Task A_document_that_is_no_object_is_reported(string yaml, string message)
    {
        Write("1.yaml", yaml);

        await StartAsync();

        Assert.Contains(message, Assert.Single(_faults.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_makes_no_sense_is_reported_and_the_rest_counts()
    {
        Write("web.yaml", $"{ServiceYaml("web")}\n---\n{SliceYaml("web-1", "web", "10.0.0.300", "10.0.0.2")}");

        await StartAsync();

        Assert.Single(Assert.Single(_cache.Take(everything: true).Services).Slices[0].Endpoints);
        string fault = Assert.Single(_faults.Lines);
        Assert.Contains("endpoints[0].addresses[0]", fault, StringComparison.Ordinal);
        Assert.EndsWith(" (web.yaml, line 10)", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kinds_of_no_use_are_named_once()
    {
        const string Pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}}";
        const string OldSlice = "{apiVersion: discovery.k8s.io/v1beta1, kind: EndpointSlice, metadata: {name: s}}";
        Write("1.yaml", $"{Pod}\n---\n{Pod}\n---\n{OldSlice}");
        Write("2.yaml", $"{Pod}\n---\n{ServiceYaml("web")}");

        await StartAsync();

        Assert.Single(_cache.Take(everything: true).Services);
        Assert.Equal(2, _log.Count(LogLevel.Warning));
    }

    [Fact]
    public async Task Of_two_objects_with_one_name_the_first_counts_and_the_other_is_reported()
    {
        Write("1.yaml", ServiceYaml("web", 81));
        Write("2.yaml", ServiceYaml("web", 82));

        await StartAsync();

        Assert.Equal(81, Assert.Single(_cache.Take(everything: true).Services).Service!.Ports[0].Port);
        Assert.Equal("Service default/web : stands in 1.yaml and in 2.yaml; the first one counts", Assert.Single(_faults.Lines));
    }

    [Fact]
    public async Task An_object_without_a_name_is_told_with_its_file()
    {
        Write("web.yaml", "apiVersion: v1\nkind: Service\n---\n" + ServiceYaml("web") + "\n---\n" + ServiceYaml("web"));

        await StartAsync();

        Assert.Equal(
            ["Service default/ metadata.name: is missing (web.yaml, line 1)", "Service default/web : stands twice in web.yaml; the first one counts"],
            _faults.Lines);
    }

    [Fact]
    public async Task A_folder_that_goes_away_takes_nothing_with_it_and_is_followed_when_it_is_back()
    {
        Write("web.yaml", ServiceYaml("web"));
        await StartSyncedAsync();

        Directory.Delete(_folder, recursive: true);
        await WaitAsync(() => _log.Count(LogLevel.Warning) > 0);
        Assert.Single(_cache.Take(everything: true).Services);
        await WaitAsync(() => _source.Error is not null);
        Assert.StartsWith($"cannot read {_folder}: ", _source.Error, StringComparison.Ordinal);
        Directory.CreateDirectory(_folder);
        Write("web.yaml", ServiceYaml("web", 81));

        Assert.Equal(81, Assert.Single(await NextAsync()).Service!.Ports[0].Port);
        Assert.Null(_source.Error);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_the_error_until_it_can()
    {
        Write("web.yaml", ServiceYaml("web"));
        await StartSyncedAsync();
        Assert.Null(_source.Error);

        Link("loop.yaml", "loop.yaml");
        await WaitAsync(() => _source.Error is not null);
        Assert.StartsWith($"cannot read {_folder}/loop.yaml: ", _source.Error, StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder, "loop.yaml"));
        Write("loop.yaml", "");

        await WaitAsync(() => _source.Error is null);
    }

    private static string ServiceYaml(string name, int port = 80) => $$"""
        apiVersion: v1
        kind: Service
        metadata:
          name: {{name}}
        spec:
          clusterIP: 10.96.0.1
          ports:
          - port: {{port}}
        """;

    private static string SliceYaml(string name, string service, params string[] addresses) => $$"""
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: {{name}}
          labels:
            kubernetes.io/service-name: {{service}}
        addressType: IPv4
        ports: [{port: 80}]
        endpoints:
        {{string.Join("\n", addresses.Select(a => $"- addresses: [{a}]"))}}
        """;

    private void Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private void Link(string name, string target) => File.CreateSymbolicLink(Path.Combine(_folder, name), target);

    private async Task StartAsync()
    {
        await _source.StartAsync(TestContext.Current.CancellationToken);
        await WaitAsync(() => _cache.IsSynced);
    }

    private async Task StartSyncedAsync()
    {
        await StartAsync();
        _cache.Take(everything: true);
    }

    private async Task<IReadOnlyList<DirtyService>> NextAsync()
    {
        IReadOnlyList<DirtyService> services = [];
        await WaitAsync(() => (services = _cache.Take(everything: false).Services).Count > 0);
        return services;
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(_deadline);
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    /// <summary>rename(2): File.Move does not see a link to a folder.</summary>
    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    /// <summary>Keeps the prefixes of the moment in which something can first be taken.</summary>
    private sealed class FirstListsListener : IChangeListener
    {
        private bool _isFirst = true;

        public ClusterCache? Cache { get; set; }

        public ImmutableArray<Prefix> Prefixes { get; private set; } = [];

        public void OnService()
        {
        }

        public void OnSlice()
        {
        }

        public void OnPending(int services, int slices)
        {
            Prefixes = _isFirst ? Cache!.ServicePrefixes : Prefixes;
            _isFirst = false;
        }
    }

    private sealed class RecordedLog : ILogger<ManifestSource>
    {
        private readonly List<LogLevel> _levels = [];

        public int Count(LogLevel level)
        {
            lock (_levels)
            {
                return _levels.Count(l => l == level);
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_levels)
            {
                _levels.Add(logLevel);
            }
        }
    }
}
