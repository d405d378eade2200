using EbpfProxy.Model.Cluster;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Tests.Manifests;

/// <summary>What is read of the documents in a folder.</summary>
public sealed class ManifestContentTests : ManifestStage
{
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

        var services = Cache.Take(everything: true).Services.OrderBy(s => s.Name).ToList();
        Assert.Equal(["default/dns", "default/web", "prod/api"], services.Select(s => s.Name.ToString()));
        Assert.Equal(2, Assert.Single(services[1].Slices).Endpoints.Length);
        Assert.Equal("z1", Cache.Node?.Zone);
        Assert.Equal("10.96.0.0/16", Assert.Single(Cache.ServicePrefixes).ToString());
        Assert.Empty(Faults.Lines);
    }

    [Theory]
    [InlineData("&list {kind: List, items: [*list]}")]
    [InlineData("kind: ServiceList\nitems: &items [{kind: ServiceList, items: *items}]")]
    public async Task A_list_that_is_in_itself_is_refused_and_the_rest_is_read(string yaml)
    {
        Write("1.yaml", yaml);
        Write("2.yaml", ServiceYaml("web"));

        await StartAsync();

        Assert.Equal("default/web", Assert.Single(Cache.Take(everything: true).Services).Name.ToString());
        Assert.Contains("is in more than 8 lists", Assert.Single(Faults.Lines), StringComparison.Ordinal);
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

        var slice = Assert.Single(Assert.Single(Cache.Take(everything: true).Services).Slices);
        Assert.Equal(EndpointConditions.Serving | EndpointConditions.Terminating, Assert.Single(slice.Endpoints).Conditions);
        Assert.Empty(Faults.Lines);
    }

    [Fact]
    public async Task An_empty_folder_is_a_cluster_without_services()
    {
        await StartAsync();

        Assert.Empty(Cache.Take(everything: true).Services);
        Assert.Equal("n1", Cache.Node?.Name);
    }

    [Theory]
    [InlineData("just text", "is no object")]
    [InlineData("- apiVersion: v1", "is no object")]
    [InlineData("apiVersion: v1\nmetadata: {name: a}", "kind is missing")]
    public async Task A_document_that_is_no_object_is_reported(string yaml, string message)
    {
        Write("1.yaml", yaml);

        await StartAsync();

        Assert.Contains(message, Assert.Single(Faults.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_makes_no_sense_is_reported_and_the_rest_counts()
    {
        Write("web.yaml", $"{ServiceYaml("web")}\n---\n{SliceYaml("web-1", "web", "10.0.0.300", "10.0.0.2")}");

        await StartAsync();

        Assert.Single(Assert.Single(Cache.Take(everything: true).Services).Slices[0].Endpoints);
        string fault = Assert.Single(Faults.Lines);
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

        Assert.Single(Cache.Take(everything: true).Services);
        Assert.Equal(2, Lines.Count(LogLevel.Warning));
    }

    [Fact]
    public async Task Of_two_objects_with_one_name_the_first_counts_and_the_other_is_reported()
    {
        Write("1.yaml", ServiceYaml("web", 81));
        Write("2.yaml", ServiceYaml("web", 82));

        await StartAsync();

        Assert.Equal(81, Assert.Single(Cache.Take(everything: true).Services).Service!.Ports[0].Port);
        Assert.Equal("Service default/web : stands in 1.yaml and in 2.yaml; the first one counts", Assert.Single(Faults.Lines));
    }

    [Fact]
    public async Task An_object_without_a_name_is_told_with_its_file()
    {
        Write("web.yaml", "apiVersion: v1\nkind: Service\n---\n" + ServiceYaml("web") + "\n---\n" + ServiceYaml("web"));

        await StartAsync();

        Assert.Equal(
            ["Service default/ metadata.name: is missing (web.yaml, line 1)", "Service default/web : stands twice in web.yaml; the first one counts"],
            Faults.Lines);
    }
}
