using EbpfProxy.EndToEnd.Tests.KubeProxy;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>
/// Every alert that ships, by its fault for real: the distribution's Prometheus scrapes a daemon, of which one thing after the other
/// goes wrong and is put right again. The rules are those that ship but for their times (<see cref="AlertRules.Hurried"/>): a wait of
/// five minutes is one of two and a half seconds, and an API server that was last heard of ten minutes ago one that is silent for
/// five seconds.
/// </summary>
public sealed class AlertFaultTests
{
    private const string Web4 = "10.96.0.10";
    private const string External4 = "203.0.113.10";
    private const string External6 = "fd00:51::10";
    private const int Port = 80;
    private const int BackendPort = 8080;

    /// <summary>Room for so many connections, of which over nine tenths make the table nearly full.</summary>
    private const int Room = 64;
    private const int NearlyAll = 59;

    /// <summary>Devices whose names begin so are nobody's concern.</summary>
    private const string Unnoticed = "quiet";

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    [KernelFact]
    public async Task Every_alert_fires_when_its_fault_is_made_and_ends_with_it_and_is_quiet_before()
    {
        await using var stage = await AlertStage.StartAsync();
        var (client, backend) = (stage.Node.AddPod("client"), stage.Node.AddPod("backend"));
        backend.Serve($"{BackendPort}");
        stage.Apply(
            new ManifestService("web", Web4, Port, BackendPort, backend.IPv4) { ExternalIPs = [External4] },
            new ManifestService("web6", "fd00:96::10", Port, BackendPort, backend.IPv6) { ExternalIPs = [External6] });
        stage.Start("--max-connections", $"{Room}", "--masquerade-ports", "2000", "--devices", $"!{Unnoticed}*");
        stage.AssertQuiet(scrapes: 4);

        using (var crowd = client.Sandbox.Crowd("tcp", NearlyAll, (Web4, Port)))
        {
            crowd.AssertAnswered();
            BreakFourThings(stage, client);
            ForbidAndLackAnAddress(stage, client);
            FillTheTable(stage, client);
        }

        RestartWithNamesOfNoDevice(stage);
        RefuseWrites(stage);
        EndTheDaemon(stage);

        Assert.Equal(AlertRules.Names.Order(StringComparer.Ordinal), stage.Fired);
    }

    /// <summary>
    /// A device that has a qdisc beside which there is no room for ours; an object that makes no sense; an API server that is silent;
    /// and a client that is to be masqueraded, where another has the only port.
    /// </summary>
    private static void BreakFourThings(AlertStage stage, Pod client)
    {
        string[] alerts = ["EbpfProxyDevicesFailed", "EbpfProxyObjectsSkipped", "EbpfProxyHearsNothing", "EbpfProxyNoSource"];
        Shell.Require(
            "ip -n \"$1\" link add \"$2\" type veth peer name \"$2-2\" && tc -n \"$1\" qdisc add dev \"$2\" ingress && ip -n \"$1\" link set dev \"$2\" name odd",
            stage.Node.Network.Name,
            Unnoticed);
        stage.Server.Apply("""{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"default","name":"odd"},"spec":{"clusterIP":"10.96.0.999","ports":[{"port":80}]}}""");
        stage.IsSilent = true;
        using (var held = client.Sandbox.Hold("tcp", External4, Port))
        {
            held.Ask();
            stage.WaitForFiring(alerts, () => IsAnswered(client, "tcp4", External4));
        }

        Assert.True(stage.Proxy!.Events("no_source_port") > 0);
        Assert.Equal(0, stage.Proxy.Events("no_source_address"));
        Shell.Require("tc -n \"$1\" qdisc del dev odd ingress", stage.Node.Network.Name);
        stage.Server.Delete("Service", "default", "odd");
        stage.IsSilent = false;
        stage.WaitForEnd(alerts);
    }

    /// <summary>An API server that answers that the proxy may not ask, and a node without an address of the backend's family.</summary>
    private static void ForbidAndLackAnAddress(AlertStage stage, Pod client)
    {
        string[] alerts = ["EbpfProxyHearsNothing", "EbpfProxyNoSource"];
        stage.Server.Fault = _ => new ApiFault.Status(403, "Forbidden", "not for you");
        stage.Server.EndWatches();
        Shell.Require(
            """
            via=$(ip -n "$1" -6 -o addr show dev br0 scope link | grep -o 'fe80[^/]*') &&
            ip -n "$2" -6 route replace default via "$via" dev eth0 && ip -n "$1" addr del fd00:10:244:1::1/64 dev br0 &&
            ip -n "$1" -6 route add fd00:10:244:1::/64 dev br0
            """,
            stage.Node.Network.Name,
            client.Network.Name);
        stage.WaitForFiring(alerts, () => IsAnswered(client, "tcp6", External6));
        Assert.True(stage.Proxy!.Events("no_source_address") > 0);

        stage.Server.Fault = null;
        Shell.Require("ip -n \"$1\" addr add fd00:10:244:1::1/64 dev br0 nodad", stage.Node.Network.Name);
        Eventually.Holds(() => IsAnswered(client, "tcp6", External6), _deadline);
    }

    /// <summary>Connections that were all answered, so that none makes room.</summary>
    private static void FillTheTable(AlertStage stage, Pod client)
    {
        stage.WaitForFiring(["EbpfProxyConnectionsNearlyFull"]);
        stage.AssertQuiet("EbpfProxyConnectionsFull");
        using (var rest = client.Sandbox.Crowd("tcp", Room - NearlyAll, (Web4, Port)))
        {
            rest.AssertAnswered();
            stage.WaitForFiring(["EbpfProxyConnectionsFull"], () => IsAnswered(client, "tcp4", Web4));
        }

        stage.WaitForEnd("EbpfProxyConnectionsFull", "EbpfProxyHearsNothing", "EbpfProxyNoSource");
    }

    /// <summary>A daemon that ends again and again, with a typo in its settings, on a node where kube-proxy was started as well.</summary>
    private static void RestartWithNamesOfNoDevice(AlertStage stage)
    {
        string[] alerts = ["EbpfProxyNotReady", "EbpfProxyKubeProxyRuns", "EbpfProxyTakeoverUnfinished"];
        stage.AssertQuiet(["EbpfProxyRestarts", .. alerts]);
        new KubeProxyRules(stage.Node.Network.Name, KubeProxyMode.Nftables, 4).Load("10.96.0.70", 80, "10.244.1.9", 8080);
        using (new RunningKubeProxy(stage.Node))
        {
            for (int restarts = 1; restarts <= 4; restarts++)
            {
                stage.Start("--devices", "ehh*");
                Eventually.Holds(() => stage.Prometheus.Count($"changes(process_start_time_seconds[2m]) >= {restarts}") == 1, _deadline);
            }

            stage.WaitForFiring(["EbpfProxyRestarts"]);
            stage.WaitForFiring(alerts);
            Assert.Equal(1, stage.Prometheus.Count("ALERTS{alertname=\"EbpfProxyNotReady\",alertstate=\"firing\",reason=\"devices\"}"));
        }

        Shell.Require("ip -n \"$1\" link add ehh0 type bridge", stage.Node.Network.Name);
        stage.WaitForEnd(alerts);
    }

    /// <summary>A map that the kernel lets nobody write any more, and a change that would have to be written there.</summary>
    private static void RefuseWrites(AlertStage stage)
    {
        stage.AssertQuiet("EbpfProxySyncsFail", "EbpfProxyChangesWait");
        Shell.Require("bpftool map freeze pinned \"$1\"", Path.Combine(stage.Node.BpfFileSystem, "ebpf-proxy/tables-v1/frontends"));
        stage.Apply(new ManifestService("late", "10.96.0.11", Port, BackendPort));
        stage.WaitForFiring(["EbpfProxySyncsFail", "EbpfProxyChangesWait"]);
    }

    /// <summary>It is killed, another answers in its place, and what it left is cleaned up before the next, as the alerts of the table say.</summary>
    private static void EndTheDaemon(AlertStage stage)
    {
        stage.AssertQuiet("EbpfProxyDown", "EbpfProxyAbsent", "EbpfProxyUnseen");
        stage.Proxy!.Kill();
        stage.WaitForFiring(["EbpfProxyDown", "EbpfProxyAbsent"]);
        using (new OtherMetrics(stage.Node))
        {
            stage.WaitForFiring(["EbpfProxyUnseen"]);
        }

        var cleanup = stage.Node.Command("cleanup");
        Assert.True(cleanup.ExitCode == 0, cleanup.Error);
        stage.Start();

        // That it was started often is so for an hour.
        stage.WaitForEnd([.. AlertRules.Names.Where(alert => alert != "EbpfProxyRestarts")]);
    }

    /// <summary>Asks from where no program sees the socket, and waits for a moment only.</summary>
    private static bool IsAnswered(Pod client, string row, string address) =>
        client.Sandbox.Probe("-w", "400", "ask", row, address, $"{Port}").All(line => line.StartsWith("answer ", StringComparison.Ordinal));
}
