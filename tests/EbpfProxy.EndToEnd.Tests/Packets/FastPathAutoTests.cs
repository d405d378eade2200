using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>
/// The switch as it is by default: connections go around the stack where nothing of others could decide on them. Rules
/// come and go while connections are open.
/// </summary>
public sealed class FastPathAutoTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    private readonly PacketStage _stage = new(new ClusterShape { PodLinks = PodLinks.Routed });
    private readonly FastPathRules _rules;

    public FastPathAutoTests() => _rules = new FastPathRules(_stage.Node);

    public static TheoryData<string, string> HarmlessRules => new()
    {
        { "masquerade of the pods", FastPathRules.Masquerade },
        { "ct state invalid drop", FastPathRules.DropInvalid },
        { "FORWARD policy drop", FastPathRules.PolicyDrop },
    };

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [MemberData(nameof(HarmlessRules))]
    public void Connections_live_through_a_rule_that_comes_and_goes(string name, string rules)
    {
        WaitFor(isOn: true);
        var held = HoldAll();
        try
        {
            Assert.All(held, AssertAnswers);

            _rules.Load(rules);
            WaitFor(isOn: false);

            Assert.All(held, AssertAnswers);
            Assert.All(held, AssertAnswers);
            AssertAllAnswered();
            _stage.Proxy.AssertLogs(line => line.Contains("go through the stack: nftables chain inet theirs ", StringComparison.Ordinal));

            _rules.Remove();
            WaitFor(isOn: true);

            Assert.All(held, AssertAnswers);
            AssertAllAnswered();
        }
        finally
        {
            held.ForEach(connection => connection.Connection.Dispose());
        }

        Assert.NotEmpty(name);
    }

    [KernelFact]
    public void Drop_for_a_pod_acts_on_what_was_open_and_on_what_is_new()
    {
        WaitFor(isOn: true);
        var door = _stage.Door(PacketStage.OverNear, Frontend.NodePort, 4);
        using var held = _stage.Cluster.Outside.Start(ProbeWords("hold", "tcp", door));
        Assert.Equal("ready", held.ReadLine());
        held.WriteLine();
        Assert.StartsWith("answer ", held.ReadLine(), StringComparison.Ordinal);

        _rules.Load(FastPathRules.Drop(_stage.Near));
        WaitFor(isOn: false);

        held.WriteLine();
        Assert.StartsWith("error ", held.ReadLine(), StringComparison.Ordinal);
        AssertSilent();
        Assert.All(_stage.Cluster.Outside.Ask("tcp4", _stage.Node.IPv4, PacketStage.OverFar.NodePort(4)), answer => Assert.Equal("far/8080", answer.Name));

        _rules.Remove();
        WaitFor(isOn: true);
        AssertAllAnswered();
    }

    [KernelFact]
    public void Rule_of_the_older_tables_acts()
    {
        WaitFor(isOn: true);
        AssertAllAnswered();
        var door = _stage.Door(PacketStage.OverNear, Frontend.NodePort, 4);

        _rules.ChangeOlderTables($"-A FORWARD -d {_stage.Near.IPv4} -j DROP");
        WaitFor(isOn: false);

        Assert.Equal("EINPROGRESS", _stage.Cluster.Outside.AskInSilence("tcp4", door.Address, door.Port));
        _stage.Proxy.AssertLogs(line => line.Contains("go through the stack: iptables chain filter FORWARD ", StringComparison.Ordinal));

        _rules.ChangeOlderTables($"-D FORWARD -d {_stage.Near.IPv4} -j DROP");
        WaitFor(isOn: true);
        AssertAllAnswered();
    }

    [KernelFact]
    public void Drop_that_comes_while_no_daemon_runs_acts()
    {
        WaitFor(isOn: true);
        AssertAllAnswered();

        Assert.Equal(0, _stage.Proxy.Terminate());
        AssertAllAnswered();
        _rules.Load(FastPathRules.Drop(_stage.Near));

        AssertSilent();
        _rules.Remove();
        AssertAllAnswered();
        _stage.Restart();
        WaitFor(isOn: true);
    }

    [KernelFact]
    public void Filter_at_a_pods_device_acts()
    {
        WaitFor(isOn: true);
        AssertAllAnswered();

        _rules.DropAtDevice("pod11");
        WaitFor(isOn: false);

        AssertSilent();
        _stage.Proxy.AssertLogs(line => line.Contains("at pod11 egress", StringComparison.Ordinal));

        _rules.RemoveAtDevice("pod11");
        WaitFor(isOn: true);
        AssertAllAnswered();
    }

    [KernelFact]
    public void Table_without_a_rule_counts_for_nothing()
    {
        _rules.Load(FastPathRules.Empty);
        _stage.Answered(_stage.Cluster.Outside, PacketStage.OverNear, Frontend.NodePort, "near/8080");
        WaitFor(isOn: true);

        Assert.DoesNotContain(_stage.Proxy.Log, line => line.Contains("theirs", StringComparison.Ordinal));
    }

    [KernelFact]
    public void Rule_that_was_there_first_keeps_connections_in_the_stack()
    {
        using var stage = new PacketStage(new ClusterShape { Masquerades = true });

        Assert.Equal(0, stage.Proxy.Metric("ebpf_proxy_fast_path"));
        Assert.DoesNotContain(stage.Proxy.Log, line => line.Contains("go around the stack", StringComparison.Ordinal));
        Assert.Contains("nftables chain inet cni-masquerade postrouting has rules", stage.Node.Command("status").Output, StringComparison.Ordinal);
    }

    private static void AssertAnswers((string Name, HeldConnection Connection) held) => Assert.Equal(held.Name, held.Connection.Ask().Name);

    private static string[] ProbeWords(string command, string protocol, (string Address, int Port) door) =>
        [Path.Combine(AppContext.BaseDirectory, "probe"), "-w", "1000", command, protocol, door.Address, $"{door.Port}"];

    private void WaitFor(bool isOn) => Eventually.Holds(() => _stage.Proxy.Metric("ebpf_proxy_fast_path") == (isOn ? 1 : 0), _deadline);

    private void AssertSilent()
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = _stage.Door(PacketStage.OverNear, Frontend.NodePort, family);
            Assert.Equal("EINPROGRESS", _stage.Cluster.Outside.AskInSilence(Expect.Row("tcp", family), door.Address, door.Port));
            Assert.Equal("EAGAIN", _stage.Cluster.Outside.AskInSilence(Expect.Row("udp", family), door.Address, door.Port));
        }
    }

    private void AssertAllAnswered()
    {
        _stage.Answered(_stage.Cluster.Outside, PacketStage.OverNear, Frontend.NodePort, "near/8080");
        _stage.Answered(_stage.Cluster.Outside, PacketStage.Local, Frontend.NodePort, "near/8080");
        _stage.Answered(_stage.Client.Sandbox, PacketStage.OverFar, Frontend.ClusterIP, "far/8080");
    }

    private List<(string Name, HeldConnection Connection)> HoldAll()
    {
        var held = new List<(string, HeldConnection)>();
        foreach (var service in new[] { PacketStage.OverNear, PacketStage.OverFar, PacketStage.Local })
        {
            foreach (int family in new[] { 4, 6 })
            {
                var door = _stage.Door(service, Frontend.NodePort, family);
                string name = service == PacketStage.OverFar ? "far/8080" : "near/8080";
                held.Add((name, _stage.Cluster.Outside.Hold("tcp", door.Address, door.Port)));
                held.Add((name, _stage.Cluster.Outside.Hold("udp", door.Address, door.Port)));
            }
        }

        return held;
    }
}
