using System.Collections.Immutable;
using System.Runtime.InteropServices;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Manifests;
using EbpfProxy.Model.Network;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Tests.Manifests;

/// <summary>How a folder is followed.</summary>
public sealed partial class ManifestSourceTests : ManifestStage
{
    [Fact]
    public async Task The_prefixes_are_there_with_the_first_lists()
    {
        Write("cidr.yaml", "{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: k}, spec: {cidrs: [10.96.0.0/16]}}");
        var listener = new FirstListsListener();
        using var cache = new ClusterCache(listener);
        listener.Cache = cache;
        using var source = new ManifestSource(Folder, "n1", cache, Faults, TimeProvider.System, Lines);

        await source.StartAsync(TestContext.Current.CancellationToken);
        await WaitAsync(() => cache.IsSynced);
        await source.StopAsync(CancellationToken.None);

        Assert.Equal("10.96.0.0/16", Assert.Single(listener.Prefixes).ToString());
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
        File.Move(Path.Combine(Folder, ".web.yaml.swp"), Path.Combine(Folder, "web.yaml"), overwrite: true);

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
        Assert.Equal(0, Rename(Path.Combine(Folder, "..data_tmp"), Path.Combine(Folder, "..data")));

        Assert.Equal(81, Assert.Single(await NextAsync()).Service!.Ports[0].Port);
    }

    [Fact]
    public async Task A_deleted_file_takes_its_objects_with_it()
    {
        Write("web.yaml", ServiceYaml("web"));
        Write("api.yaml", ServiceYaml("api"));
        await StartSyncedAsync();

        File.Delete(Path.Combine(Folder, "api.yaml"));

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
        await WaitAsync(() => Faults.Lines.Count > 0);
        Write("api.yaml", ServiceYaml("api"));

        Assert.Equal("api", Assert.Single(await NextAsync()).Name.Name);
        Assert.Equal(2, Cache.Take(everything: true).Services.Count);
        string fault = Assert.Single(Faults.Lines);
        Assert.Contains("web.yaml:3:", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_earlier_run_may_have_read_of_a_file_that_is_broken_at_the_start_is_kept_until_it_is_repaired()
    {
        Write("web.yaml", "kind: [");
        Write("api.yaml", ServiceYaml("api"));
        await StartAsync();
        Assert.False(Cache.Take(everything: true).IsComplete);

        Write("web.yaml", ServiceYaml("web"));

        await WaitAsync(() => Cache.Take(everything: false) is { IsComplete: true, Services.Count: 2 });
    }

    [Fact]
    public async Task A_file_that_is_repaired_counts_again()
    {
        Write("web.yaml", "kind: [");
        await StartSyncedAsync();

        Write("web.yaml", ServiceYaml("web"));

        Assert.Equal("web", Assert.Single(await NextAsync()).Name.Name);
    }

    [Fact]
    public async Task A_folder_that_goes_away_takes_nothing_with_it_and_is_followed_when_it_is_back()
    {
        Write("web.yaml", ServiceYaml("web"));
        await StartSyncedAsync();

        Directory.Delete(Folder, recursive: true);
        await WaitAsync(() => Lines.Count(LogLevel.Warning) > 0);
        Assert.Single(Cache.Take(everything: true).Services);
        await WaitAsync(() => Source.Error is not null);
        Assert.StartsWith($"cannot read {Folder}: ", Source.Error, StringComparison.Ordinal);
        Directory.CreateDirectory(Folder);
        Write("web.yaml", ServiceYaml("web", 81));

        Assert.Equal(81, Assert.Single(await NextAsync()).Service!.Ports[0].Port);
        Assert.Null(Source.Error);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_the_error_until_it_can()
    {
        Write("web.yaml", ServiceYaml("web"));
        await StartSyncedAsync();
        Assert.Null(Source.Error);

        Link("loop.yaml", "loop.yaml");
        await WaitAsync(() => Source.Error is not null);
        Assert.StartsWith($"cannot read {Folder}/loop.yaml: ", Source.Error, StringComparison.Ordinal);
        File.Delete(Path.Combine(Folder, "loop.yaml"));
        Write("loop.yaml", "");

        await WaitAsync(() => Source.Error is null);
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
}
