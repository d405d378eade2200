using System.Text;
using System.Text.Json;
using EbpfProxy.Controller.Manifests;
using EbpfProxy.Http;
using EbpfProxy.Http.Live;
using EbpfProxy.Options;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Prometheus;

namespace EbpfProxy.Tests.Http;

/// <summary>The table of section 5.3 of the reference.</summary>
public sealed class MetricsPagesTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly MetricsPages _pages;

    public MetricsPagesTests() => _pages = new MetricsPages(
        Metrics.NewCustomRegistry(),
        new PingMetrics(),
        new StatusPages("1.2.3", FlagValues.Of(["-v", "4", "--masquerade-all", "--config=/a\"b"]), MetricsPages.Paths, _time),
        () => "{\"kubeproxy.config.k8s.io\":{}}"u8.ToArray(),
        new LivePage(_ => throw new IOException("not read here"), isOpen: false));

    [Theory]
    [InlineData("/healthz", 200, "text/plain; charset=utf-8", "ok")]
    [InlineData("/healthz?verbose", 200, "text/plain; charset=utf-8", "[+]ping ok\nhealthz check passed\n")]
    [InlineData("/healthz/ping", 200, "text/plain; charset=utf-8", "ok")]
    [InlineData("/proxyMode", 200, "text/plain; charset=utf-8", "ebpf")]
    [InlineData("/configz", 200, "application/json", "{\"kubeproxy.config.k8s.io\":{}}")]
    [InlineData("/debug/pprof/", 404, "text/plain; charset=utf-8", "404 page not found\n")]
    [InlineData("/nothing", 404, "text/plain; charset=utf-8", "404 page not found\n")]
    public async Task Each_path_has_its_answer(string path, int status, string type, string body)
    {
        var answer = await AskAsync(path);

        Assert.Equal((status, type, body), (answer.Status, answer.Type, answer.Body));
        Assert.Equal("nosniff", answer.Headers.XContentTypeOptions);
    }

    [Fact]
    public async Task Health_checks_of_this_server_are_told_apart_from_the_metrics()
    {
        await AskAsync("/healthz");
        await AskAsync("/healthz");

        string body = (await AskAsync("/metrics/slis")).Body;

        Assert.Contains("kubernetes_healthcheck{name=\"ping\",type=\"healthz\"} 1", body, StringComparison.Ordinal);
        Assert.Contains("kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"healthz\"} 2", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Statusz_is_text_for_people()
    {
        _time.Advance(TimeSpan.FromSeconds(3661));

        var answer = await AskAsync("/statusz");

        Assert.Equal("text/plain; charset=utf-8", answer.Type);
        Assert.StartsWith("\nkube-proxy statusz\nWarning: This endpoint is not meant to be machine parseable", answer.Body, StringComparison.Ordinal);
        Assert.Contains("\nStarted: Fri Jan 02 03:04:05 UTC 2026\nUp: 1 hr 01 min 01 sec\n", answer.Body, StringComparison.Ordinal);
        Assert.Contains("\nBinary version: 1.2.3\n", answer.Body, StringComparison.Ordinal);
        Assert.EndsWith("\nPaths: /configz /flagz /healthz /metrics /metrics/slis /proxyMode /statusz\n", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v1beta1", "")]
    [InlineData("v1alpha1", "299 - \"config.k8s.io/v1alpha1 Statusz is deprecated, use config.k8s.io/v1beta1 Statusz\"")]
    public async Task Statusz_is_an_object_for_programs(string version, string warning)
    {
        _time.Advance(TimeSpan.FromSeconds(90));

        var answer = await AskAsync("/statusz", $"application/json;as=Statusz;v={version};g=config.k8s.io");

        Assert.Equal("application/json", answer.Type);
        Assert.Equal(warning, answer.Headers.Warning.ToString());
        Assert.Equal(
            $$"""{"kind":"Statusz","apiVersion":"config.k8s.io/{{version}}","metadata":{"name":"kube-proxy"},"startTime":"2026-01-02T03:04:05Z","uptimeSeconds":"""
            + $$"""90,"goVersion":".NET {{Environment.Version}}","binaryVersion":"1.2.3","paths":["/configz","/flagz","/healthz","/metrics","/metrics/slis","/proxyMode","/statusz"]}""",
            answer.Body);
    }

    [Fact]
    public async Task Flagz_tells_every_flag_as_it_was_given_or_as_it_is_without_a_word()
    {
        string text = (await AskAsync("/flagz")).Body;
        Assert.All(["config=/a\"b", "masquerade-all=true", "v=4", "bind-address=0.0.0.0", "bpffs=/sys/fs/bpf"], line => Assert.Contains($"\n{line}\n", text, StringComparison.Ordinal));

        string json = (await AskAsync("/flagz", "text/html, application/json;v=v1beta1;g=config.k8s.io;as=Flagz")).Body;
        Assert.Equal("4", JsonDocument.Parse(json).RootElement.GetProperty("flags").GetProperty("v").GetString());
    }

    [Theory]
    [InlineData("/flagz", "Flagz")]
    [InlineData("/statusz", "Statusz")]
    public async Task Yaml_says_what_json_says(string path, string kind)
    {
        string json = (await AskAsync(path, $"application/json;v=v1beta1;g=config.k8s.io;as={kind}")).Body;

        var yaml = await AskAsync(path, $"application/yaml;v=v1beta1;g=config.k8s.io;as={kind}");

        Assert.Equal("application/yaml", yaml.Type);
        using var read = JsonDocument.Parse(Assert.Single(YamlJson.ReadDocuments(yaml.Body)));
        using var expected = JsonDocument.Parse(json);
        Assert.True(JsonElement.DeepEquals(expected.RootElement, read.RootElement), yaml.Body);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json;as=Statusz;v=v2;g=config.k8s.io")]
    [InlineData("application/json;as=Flagz;v=v1beta1;g=config.k8s.io")]
    [InlineData("image/png")]
    public async Task What_is_not_there_is_not_acceptable(string accept)
    {
        Assert.Equal(406, (await AskAsync("/statusz", accept)).Status);
    }

    [Theory]
    [InlineData("*/*")]
    [InlineData("text/html,*/*;q=0.8")]
    [InlineData("text/plain")]
    public async Task Browsers_get_text(string accept)
    {
        Assert.Equal("text/plain; charset=utf-8", (await AskAsync("/statusz", accept)).Type);
    }

    private async Task<(int Status, string? Type, string Body, IHeaderDictionary Headers)> AskAsync(string path, string accept = "")
    {
        var context = new DefaultHttpContext();
        string[] parts = path.Split('?');
        context.Request.Path = parts[0];
        context.Request.QueryString = parts.Length > 1 ? new QueryString("?" + parts[1]) : QueryString.Empty;
        context.Request.Headers.Accept = accept;
        using var body = new MemoryStream();
        context.Response.Body = body;
        await _pages.HandleAsync(context);
        return (context.Response.StatusCode, context.Response.ContentType, Encoding.UTF8.GetString(body.ToArray()), context.Response.Headers);
    }
}
