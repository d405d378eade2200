using LibBpfSharp;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Where ours are links of tcx.</summary>
public sealed class TcxForeignProgramTests : ForeignProgramTests
{
    public TcxForeignProgramTests()
        : base(() => new PacketStage())
    {
        Before(Witness.AtTcx(Stage.Node, Uplink, TrafficDirection.Ingress, TcxPosition.First));
        After(Witness.AtTcx(Stage.Node, Uplink, TrafficDirection.Ingress, TcxPosition.Last));
        After(Witness.AtClsact(Stage.Node, Uplink, TrafficDirection.Ingress));
        Outgoing(Witness.AtTcx(Stage.Node, Uplink, TrafficDirection.Egress, TcxPosition.Last));
    }
}
