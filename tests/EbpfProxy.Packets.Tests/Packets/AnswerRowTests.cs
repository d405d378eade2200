using System.Buffers.Binary;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>To whom a row that answers come by goes when the connection that had it is over.</summary>
[Collection(PacketTests.Name)]
public sealed class AnswerRowTests(PacketKernel kernel)
{
    private const int Rounds = 20_000;

    private static readonly FlowKey _row = new(default, default, 0, 0, (byte)Protocol.Udp, FlowHook.Ingress, 0);

    /// <summary>The row is of generation 1; the record may be the next connection's, whose program is still at the row.</summary>
    [KernelTheory]
    [InlineData(1, false, "lives")]
    [InlineData(2, true, "has ended")]
    [InlineData(3, false, "the next one has begun")]
    [InlineData(4, false, "the next one has ended")]
    [InlineData(5, true, "forgotten: the one after that has begun")]
    public void Row_is_taken_over_from_a_connection_that_is_over(uint generation, bool isTaken, string state)
    {
        var programs = kernel.Start(Services.Both, new NodeSettings { Object = "Bpf/claim.bpf.o" }).Programs;
        programs.Connections[0] = programs.Connections[0] with { Generation = generation, LastSeenNs = ulong.MaxValue };
        programs.Flows.Update(_row, new FlowWord(0, 1, FlowRole.Return));

        Assert.True(isTaken == Claims(programs, 1), state);

        Assert.True(programs.Flows.TryGet(_row, out var word));
        Assert.Equal(isTaken ? 1u : 0u, word.Connection);
    }

    [KernelFact]
    public void Row_that_another_has_taken_is_left_to_it()
    {
        var programs = kernel.Start(Services.Both, new NodeSettings { Object = "Bpf/claim.bpf.o" }).Programs;
        programs.Connections[0] = programs.Connections[0] with { Generation = 2, TakenRows = TakenRows.Return };
        programs.Flows.Update(_row, new FlowWord(0, 1, FlowRole.Return));

        Assert.False(Claims(programs, 1));
    }

    /// <summary>
    /// As two clients that are given one port of the node, which one that is gone had: the answers of both would be for one of
    /// them, and the other waited until it gave up.
    /// </summary>
    [KernelFact]
    public void Row_of_a_connection_that_has_ended_goes_to_one_of_two_that_want_it_at_once()
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "needs two CPUs");
        var programs = kernel.Start(Services.Both, new NodeSettings { Object = "Bpf/claim.bpf.o" }).Programs;
        var connections = programs.Connections;
        foreach (int living in (int[])[1, 2])
        {
            connections[living] = connections[living] with { Generation = 1, LastSeenNs = ulong.MaxValue };
        }

        using var meeting = new Meeting();
        bool isFirst = false, isSecond = false;
        var second = Task.Run(
            () =>
            {
                for (int round = 0; round < Rounds; round++)
                {
                    meeting.Begin();
                    isSecond = Claims(programs, 2);
                    meeting.End();
                }
            },
            TestContext.Current.CancellationToken);

        int both = 0, none = 0;
        for (int round = 0; round < Rounds; round++)
        {
            connections[0] = connections[0] with { Generation = 2, TakenRows = TakenRows.None };
            programs.Flows.Update(_row, new FlowWord(0, 1, FlowRole.Return));
            meeting.Begin();
            isFirst = Claims(programs, 1);
            meeting.End();
            both += isFirst && isSecond ? 1 : 0;
            none += isFirst || isSecond ? 0 : 1;
        }

        second.Wait(TestContext.Current.CancellationToken);
        Assert.Equal((0, 0), (both, none));
    }

    private static bool Claims(LoadedPrograms programs, uint connection)
    {
        byte[] context = new byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(context.AsSpan(8), connection);
        return programs.Object.GetProgram("claim").Program
            .TestRun(new BpfTestRunOptions { Packet = new byte[64], Context = context }).ReturnValue == 0;
    }

    /// <summary>Where two threads begin and end each round together, without sleeping: they would begin too far apart.</summary>
    private sealed class Meeting : IDisposable
    {
        private int _arrivals;

        public void Begin() => Meet();

        public void End() => Meet();

        public void Dispose() => Volatile.Write(ref _arrivals, int.MaxValue / 2);

        private void Meet()
        {
            int arrivals = Interlocked.Increment(ref _arrivals);
            int all = (arrivals + 1) / 2 * 2;
            while (Volatile.Read(ref _arrivals) < all)
            {
                Thread.SpinWait(1);
            }
        }
    }
}
