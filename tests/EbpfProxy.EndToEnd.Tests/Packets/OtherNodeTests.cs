using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>
/// Node ports of another node, which are never translated here: a pod and the node itself get what that node gives. Both
/// nodes run the proxy.
/// </summary>
public sealed class OtherNodeTests : IDisposable
{
    private static readonly string[] _protocols = ["tcp", "udp"];

    private readonly PacketStage _stage = new();
    private readonly NodeProxy _second;

    public OtherNodeTests()
    {
        try
        {
            _second = _stage.StartSecondProxy();
        }
        catch
        {
            _stage.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _stage.Dispose();
        _second.Dispose();
    }

    [KernelFact]
    public void Cluster_policy_leads_to_every_backend_behind_an_address_of_the_other_node()
    {
        foreach (var backend in new[] { Backend.Near, Backend.Far, Backend.NearHost, Backend.FarHost })
        {
            foreach (int family in new[] { 4, 6 })
            {
                int port = PacketStage.ServiceOver(backend).NodePort(family);
                foreach (var answer in AskAll(family, port))
                {
                    Assert.Equal((PacketStage.NameOf(backend), Expect.Peer((SecondAddress(family), port))), (answer.Name, answer.Peer));
                }
            }
        }
    }

    // For pods the policy counts for nothing, as with kube-proxy: they get any backend. That of the other node sees them; the
    // answers of another would not come by that node, were the pod not masqueraded there.
    [KernelFact]
    public void Local_policy_leads_pods_to_every_backend_and_the_node_to_that_of_the_other_node()
    {
        foreach (int family in new[] { 4, 6 })
        {
            int port = PacketStage.Local.NodePort(family);
            string pod = _stage.AddressOf(Asker.Sandbox, family);
            foreach (string protocol in _protocols)
            {
                string row = Expect.Row(protocol, family);
                var answers = Enumerable.Range(0, 20).SelectMany(_ => _stage.Client.Place.Ask(row, SecondAddress(family), port)).ToList();

                Assert.Equal(["far/8080", "near/8080"], answers.Select(answer => answer.Name).Distinct().Order());
                Assert.All(answers, answer => Assert.Equal(
                    answer.Name == "far/8080", answer.Client.StartsWith(Expect.Seen(pod), StringComparison.Ordinal)));
                Assert.All(_stage.Node.Host.Ask(row, SecondAddress(family), port), answer => AssertSeen(
                    "far/8080", family == 4 ? _stage.Node.IPv4 : _stage.Node.IPv6, answer));
            }
        }
    }

    [KernelFact]
    public void Local_policy_without_an_endpoint_on_the_other_node_is_silent_to_the_node_and_not_to_pods()
    {
        foreach (int family in new[] { 4, 6 })
        {
            var service = new Service("local-near", 46);
            var manifest = _stage.Manifest(service, family, Backend.Near) with { ExternalTrafficPolicy = "Local", HealthCheckNodePort = 32020 + family };
            _stage.Node.Manifests.Write(manifest);
            _stage.Cluster.Second.WaitForBackends(manifest);

            foreach (string protocol in _protocols)
            {
                string row = Expect.Row(protocol, family);
                double before = _second.Events("no_local_endpoint");

                string seen = _stage.Node.Host.AskInSilence(row, SecondAddress(family), service.NodePort(family));

                Assert.Equal(protocol == "tcp" ? "EINPROGRESS" : "EAGAIN", seen);
                Assert.True(_second.Events("no_local_endpoint") > before);
                Assert.All(
                    _stage.Client.Place.Ask(row, SecondAddress(family), service.NodePort(family)),
                    answer => Assert.Equal("near/8080", answer.Name));
            }
        }
    }

    private static void AssertSeen(string name, string client, Answer answer)
    {
        Assert.Equal(name, answer.Name);
        Assert.StartsWith(Expect.Seen(client), answer.Client, StringComparison.Ordinal);
    }

    private string SecondAddress(int family) => family == 4 ? _stage.Cluster.Second.IPv4 : _stage.Cluster.Second.IPv6;

    private IEnumerable<Answer> AskAll(int family, int port) =>
        from place in new[] { _stage.Client.Place, _stage.Client.Sandbox, _stage.Node.Host, _stage.Node.HiddenHost }
        from protocol in _protocols
        from answer in place.Ask(Expect.Row(protocol, family), SecondAddress(family), port)
        select answer;
}
