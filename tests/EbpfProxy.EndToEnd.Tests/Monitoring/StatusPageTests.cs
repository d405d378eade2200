using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>The status page of a daemon under load, in the distribution's Chromium, without a window.</summary>
public sealed class StatusPageTests(ServiceStage stage) : IClassFixture<ServiceStage>, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ebpf-proxy-page-");

    public void Dispose() => _folder.Delete(recursive: true);

    [KernelFact]
    public void Page_shows_services_with_their_endpoints_rates_and_refusals()
    {
        stage.WaitForService("web");
        stage.WaitForService("empty");
        using var load = stage.Client.Place.Load("tcp", (ServiceStage.Web4, ServiceStage.Port, ""));
        load.WaitForMore(50);
        Assert.Equal("connect ECONNREFUSED", stage.Client.Place.AskInVain("tcp4", ServiceStage.Empty4, ServiceStage.Port));

        // What was read for a page a moment ago is shown to the next; Chromium's own clock runs ahead of that.
        Eventually.Holds(() => !stage.Proxy.Metrics("/page.json").Contains("\"no_endpoint\":0", StringComparison.Ordinal), TimeSpan.FromSeconds(10));
        load.EndWithoutFailure();
        string page = Browse("--dump-dom");

        Assert.Contains($"EbpfProxy <span id=\"node\">{stage.Node.Name}</span>", page, StringComparison.Ordinal);
        Assert.Contains("The daemon answers.", page, StringComparison.Ordinal);
        Assert.Contains($"<td>{ServiceStage.Web4}:{ServiceStage.Port}</td>", page, StringComparison.Ordinal);
        Assert.Contains($"{stage.A.IPv4}:{ServiceStage.BackendPort}, ", page, StringComparison.Ordinal);
        Assert.Contains("<td>no_endpoint</td>", page, StringComparison.Ordinal);

        // Without --socket-bytes nobody counted those.
        Assert.Contains("<td>-</td><td>-</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>frontends</td>", page, StringComparison.Ordinal);
    }

    [KernelFact]
    public void Page_can_be_drawn()
    {
        stage.WaitForService("web");
        string file = Path.Combine(_folder.FullName, "page.png");

        Browse($"--screenshot={file}", "--window-size=1400,1000");

        byte[] picture = File.ReadAllBytes(file);
        Assert.Equal("PNG"u8.ToArray(), picture[1..4]);
        Assert.True(picture.Length > 20_000, $"the picture has {picture.Length} bytes: nothing is on it");
    }

    /// <summary>What Chromium makes of the page after some seconds of its own clock.</summary>
    private string Browse(params string[] what)
    {
        string root = Path.Combine(Repository.Path!, ".artifacts/deps/chromium");
        string profile = Path.Combine(_folder.FullName, "profile");
        var result = stage.Node.Host.Run(
        [
            "sh", "-c", "LD_LIBRARY_PATH=$(find \"$1\" -name '*.so*' -printf '%h\\n' | sort -u | paste -s -d :); export LD_LIBRARY_PATH; shift; exec timeout 100 \"$@\"",
            "sh", root, Path.Combine(root, "usr/lib/chromium/chromium"),
            "--headless", "--no-sandbox", "--disable-gpu", $"--user-data-dir={profile}", "--virtual-time-budget=8000",
            .. what, "http://127.0.0.1:10249/",
        ]);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }
}
