using LibBpfSharp;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Where ours are filters of clsact, in a qdisc that somebody made and whose first priority holds a program of theirs.</summary>
public sealed class ClsactForeignProgramTests : ForeignProgramTests
{
    public ClsactForeignProgramTests()
        : base(() => new ClsactStage())
    {
        Stage.Proxy.Kill();
        Assert.Equal(0, Stage.Node.Command("cleanup").ExitCode);
        After(Witness.AtClsact(Stage.Node, Uplink, TrafficDirection.Ingress, priority: 1));
        Stage.Restart();
        Before(Witness.AtTcx(Stage.Node, Uplink, TrafficDirection.Ingress, TcxPosition.Last));
        After(Witness.AtClsact(Stage.Node, Uplink, TrafficDirection.Ingress));
        Outgoing(Witness.AtClsact(Stage.Node, Uplink, TrafficDirection.Egress));
    }
}
