using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>
/// Clients of UDP that keep their source port, which kube-proxy's tests of connection tracking ask about (conntrack.go), by
/// sockets that no program at the socket sees. The backends that left go on answering, so that it shows who is asked.
/// </summary>
public sealed class StaleFlowTests(PacketStage stage) : IClassFixture<PacketStage>
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void CT_01e_client_of_a_node_port_reaches_the_new_backend(int family) =>
        Follows(new Service("ct01", 46), stage.Cluster.Outside, Frontend.NodePort, family);

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void CT_02e_client_of_a_cluster_IP_reaches_the_new_backend(int family) =>
        Follows(new Service("ct02", 47), stage.Client.Sandbox, Frontend.ClusterIP, family);

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void CT_03e_client_under_the_internal_policy_Local_reaches_the_new_local_backend(int family)
    {
        var service = new Service("ct03", 48);
        var manifest = stage.Manifest(service, family, Backend.Near) with { InternalTrafficPolicy = "Local" };
        Write(manifest);
        using var held = Hold(stage.Client.Sandbox, service, Frontend.ClusterIP, family);
        Assert.Equal("near/8080", held.Ask().Name);

        Write(manifest.WithEndpoints(stage.AddressOf(Backend.NearHost, family), stage.AddressOf(Backend.Far, family)));

        Assert.Equal("near-host/8080", held.Ask().Name);
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void CT_04e_client_in_the_network_of_the_node_reaches_the_new_backend(int family) =>
        Follows(new Service("ct04", 49), stage.Node.HiddenHost, Frontend.ClusterIP, family);

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void CT_05e_client_from_before_the_first_endpoint_reaches_it(int family)
    {
        var service = new Service("ct05", 50);
        Write(stage.Manifest(service, family));
        var door = stage.Door(service, Frontend.ClusterIP, family);
        string[] question = ["-p", "12350", "-w", "400", "ask", Expect.Row("udp", family), door.Address, $"{door.Port}"];
        Assert.Contains("errno=ECONNREFUSED", Assert.Single(stage.Client.Sandbox.Probe(question)), StringComparison.Ordinal);

        Write(stage.Manifest(service, family, Backend.Near));

        Assert.All(stage.Client.Sandbox.Probe(question), line => Assert.Equal("near/8080", ProbeClient.ToAnswer(line).Name));
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void CT_07e_client_of_a_node_port_follows_the_target_port(int family)
    {
        var service = new Service("ct07", 51);
        int targetPort = 9090 + family;
        using var server = stage.Near.Serve($"{targetPort}");
        var manifest = stage.Manifest(service, family, Backend.Near);
        Write(manifest);
        using var held = Hold(stage.Cluster.Outside, service, Frontend.NodePort, family);
        Assert.Equal("near/8080", held.Ask().Name);

        Write(manifest with { Ports = [.. manifest.Ports.Select(port => port with { TargetPort = targetPort })] });

        Eventually.Holds(() => held.Ask().Name == $"near/{targetPort}", _deadline);
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Flow_goes_on_while_its_backend_drains_and_while_nobody_serves(int family)
    {
        var service = new Service("draining", 52);
        string near = stage.AddressOf(Backend.Near, family);
        Write(stage.Manifest(service, family, Backend.Near));
        using var held = Hold(stage.Cluster.Outside, service, Frontend.NodePort, family);
        Assert.Equal("near/8080", held.Ask().Name);

        Write(stage.Manifest(service, family, Backend.Near, Backend.Far) with { Draining = [near] });
        var door = stage.Door(service, Frontend.NodePort, family);
        Eventually.Holds(() => stage.Cluster.Routed.Client.Spread("udp", door.Address, door.Port, 20).Keys.Order() is var names && names.SequenceEqual(["far/8080"]), _deadline);
        Assert.Equal("near/8080", held.Ask().Name);

        Write(stage.Manifest(service, family));
        Assert.Equal("near/8080", held.Ask().Name);

        Write(stage.Manifest(service, family, Backend.Far));

        // A backend can be seen in the tables before traffic is sent to it.
        Eventually.Holds(() => held.TryAsk()?.Name == "far/8080", _deadline);
    }

    /// <summary>The service before serves on, by its cluster IP: nothing else would tell its backend from one that may go on.</summary>
    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Flow_and_connected_socket_follow_a_node_port_to_another_service(int family)
    {
        var (before, after) = (new Service("had-port", 53), new Service("has-port", 54));
        var (had, has) = (stage.Manifest(before, family, Backend.Near), stage.Manifest(after, family, Backend.Far));
        Write(had);
        var door = stage.Door(before, Frontend.NodePort, family);
        using var flow = Hold(stage.Cluster.Outside, before, Frontend.NodePort, family);
        using var socket = stage.Node.Host.Follow("udp", door.Address, door.Port);
        using var tcp = stage.Cluster.Outside.Hold("tcp", door.Address, door.Port);
        using var byClusterIP = Hold(stage.Client.Sandbox, before, Frontend.ClusterIP, family);
        Assert.Equal(["near/8080", "near/8080", "near/8080", "near/8080"], Names());

        Write(had with { Ports = WithNodePort(had, after.NodePort(family)) });
        Assert.Equal(["near/8080", "near/8080", "near/8080", "near/8080"], Names());
        Write(has with { Ports = WithNodePort(has, before.NodePort(family)) });

        // All connections are looked through twice.
        Eventually.Holds(() => flow.TryAsk()?.Name == "far/8080" && socket.AskAnew().Name == "far/8080", TimeSpan.FromSeconds(40));
        Assert.Equal(["far/8080", "far/8080", "near/8080", "near/8080"], Names());

        string[] Names() => [flow.Ask().Name, socket.AskAnew().Name, tcp.Ask().Name, byClusterIP.Ask().Name];
    }

    private static ManifestPort[] WithNodePort(ManifestService manifest, int nodePort) =>
        [.. manifest.Ports.Select(port => port with { NodePort = nodePort })];

    private void Follows(Service service, Place client, Frontend frontend, int family)
    {
        stage.Move(service, family, Backend.Near);
        using var held = Hold(client, service, frontend, family);
        Assert.Equal("near/8080", held.Ask().Name);

        stage.Move(service, family, Backend.Far);

        Assert.Equal("far/8080", held.Ask().Name);
    }

    private HeldConnection Hold(Place client, Service service, Frontend frontend, int family)
    {
        var door = stage.Door(service, frontend, family);
        return client.HoldFrom(12345, "udp", door.Address, door.Port);
    }

    private void Write(ManifestService manifest)
    {
        stage.Node.Manifests.Write(manifest);
        stage.Node.WaitForBackends(manifest);
    }
}
