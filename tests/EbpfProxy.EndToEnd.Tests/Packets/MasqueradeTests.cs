using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Whom a backend sees asking: kube-proxy's matrix, for packets that no socket program translated.</summary>
public sealed class MasqueradeTests(PacketStage stage) : IClassFixture<PacketStage>
{
    public static TheoryData<Asker, Frontend, Backend> Rows()
    {
        var rows = new TheoryData<Asker, Frontend, Backend>();
        foreach (var asker in Enum.GetValues<Asker>())
        {
            foreach (var frontend in Enum.GetValues<Frontend>())
            {
                foreach (var backend in Enum.GetValues<Backend>())
                {
                    rows.Add(asker, frontend, backend);
                }
            }
        }

        return rows;
    }

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Backend_answers_and_sees_the_client_or_the_node_as_the_matrix_says(Asker asker, Frontend frontend, Backend backend)
    {
        bool isKept = IsKept(asker, frontend, backend);

        stage.Answered(
            stage.PlaceOf(asker),
            PacketStage.ServiceOver(backend),
            frontend,
            PacketStage.NameOf(backend),
            family => isKept ? stage.AddressOf(asker, family) : stage.MaskFor(backend, family));
    }

    [KernelTheory]
    [InlineData(Backend.Near)]
    [InlineData(Backend.Far)]
    public void Pod_that_asks_an_external_address_of_a_local_service_reaches_every_endpoint_and_is_seen_itself(Backend backend)
    {
        var service = backend == Backend.Near ? PacketStage.Local : PacketStage.LocalFar;

        // The service "local" has both: asked until the wanted one answers, any client seen is the pod.
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(service, Frontend.LoadBalancer, family);
            var answers = Enumerable.Range(0, 40).SelectMany(_ => Probe.ProbeClient.Ask(
                stage.Client.Sandbox, Expect.Row("tcp", family), door.Address, door.Port)).ToList();

            Assert.Contains(answers, answer => answer.Name == PacketStage.NameOf(backend));
            Assert.All(answers, answer => Assert.StartsWith(
                Expect.Seen(stage.AddressOf(Asker.Sandbox, family)), answer.Client, StringComparison.Ordinal));
        }
    }

    // M1: a pod is never masked on its way to a cluster IP. What is delivered to the node itself never passes
    // postrouting, so nobody is masked there.
    private static bool IsKept(Asker asker, Frontend frontend, Backend backend) =>
        (asker == Asker.Sandbox && frontend == Frontend.ClusterIP) || backend == Backend.NearHost;
}
