using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.View;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>Frames that a device hears though they are for another machine: frames of tests are for none that there is.</summary>
[Collection(PacketTests.Name)]
public sealed class OverheardTests(PacketKernel kernel)
{
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frame_for_another_machine_is_left_alone(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        node.SetDevice(node.Uplink, "192.168.0.2", "2001:db8::1", DeviceFlags.None);
        string client = Services.Outsider(isV6, 4000), frontend = Services.NodePort(isV6, 3002);

        // It would open a connection, be refused, be reset.
        foreach (var packet in new[] { Packet.Tcp(client, frontend).Syn(), Packet.Tcp(client, frontend).Ack(), Packet.Tcp(client, Services.ClusterIP(isV6, 99)).Syn() })
        {
            node.Ingress(packet, node.Uplink).GoesOnAs(packet).Counts();
        }
    }

    [KernelFact]
    public void Frame_for_the_bridge_of_a_port_is_for_the_node()
    {
        var node = kernel.Start(Services.Both);
        node.SetDevice(node.Uplink, "192.168.0.2", "2001:db8::1", DeviceFlags.Port);

        node.Ingress(Packet.Tcp(Services.Outsider(false, 4000), Services.NodePort(false, 3002)).Syn(), node.Uplink).Counts(Reason.ConnectionOpened);
    }
}
