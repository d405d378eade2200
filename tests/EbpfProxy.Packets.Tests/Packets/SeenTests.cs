using System.Buffers.Binary;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>What the packets of one side say of it, that come on two CPUs at once: an ACK by softirq and the FIN of close().</summary>
[Collection(PacketTests.Name)]
public sealed class SeenTests(PacketKernel kernel)
{
    [KernelFact]
    public void What_two_packets_say_at_once_is_all_remembered()
    {
        const int rounds = 6000;
        var node = kernel.Start(Services.Both);
        var program = node.Programs.Get("proxy_ingress");
        string frontend = Services.ClusterIP(isV6: false, 41);
        byte[] fin = [];
        int begun = 0;
        int done = 0;
        var other = new Thread(() =>
        {
            for (int round = 1; round <= rounds; round++)
            {
                while (Volatile.Read(ref begun) < round)
                {
                }

                Run(fin);
                Volatile.Write(ref done, round);
            }
        });
        other.Start();
        int lost = 0;
        for (int round = 1; round <= rounds; round++)
        {
            if (round % 200 == 1)
            {
                node.Forget();
            }

            string client = Services.Pod(isV6: false, 10000 + round);
            Run(Packet.Tcp(client, frontend).Syn().ToFrame());
            byte[] ack = Packet.Tcp(client, frontend).Ack().ToFrame();
            fin = Packet.Tcp(client, frontend).Fin().ToFrame();
            Volatile.Write(ref begun, round);
            Run(ack);
            while (Volatile.Read(ref done) < round)
            {
            }

            var seen = node.Connections().Single(each => BinaryPrimitives.ReverseEndianness(each.ClientPortBe) == 10000 + round).SeenAsk;
            lost += seen.HasFlag(SeenFlags.Fin | SeenFlags.Ack) ? 0 : 1;
        }

        other.Join();
        Assert.Equal(0, lost);

        void Run(byte[] frame) => program.TestRun(new BpfTestRunOptions { Packet = frame, PacketOut = new byte[2048] });
    }
}
