using System.Buffers.Binary;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Node;
using EbpfProxy.Testing.Threads;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>To whom a row goes when the connection that had it is over: each is given away, or removed, once.</summary>
[Collection(PacketTests.Name)]
public sealed class TakenRowTests(PacketKernel kernel)
{
    private const int Rounds = 2_000;
    private const int RoleShift = 8;

    private static readonly NodeSettings _settings = new() { Object = "Bpf/rows.bpf.o" };

    public static TheoryData<byte> Roles { get; } = [(byte)FlowRole.Ask, (byte)FlowRole.Forward, (byte)FlowRole.Return, (byte)FlowRole.Answer];

    /// <summary>The row is of generation 1; the record may be the next connection's.</summary>
    public static TheoryData<byte, uint, bool, string> States { get; } =
    [
        .. from role in Roles
           from row in new[]
           {
               (1u, false, "lives"), (2u, true, "has ended"), (3u, true, "the next one has begun"), (4u, true, "the next one has ended"),
           }
           select new TheoryDataRow<byte, uint, bool, string>(role.Data, row.Item1, row.Item2, row.Item3),
    ];

    [KernelTheory]
    [MemberData(nameof(States))]
    public void Row_is_taken_over_from_a_connection_that_is_over(byte role, uint generation, bool isTaken, string state)
    {
        var programs = Start();
        programs.Connections[0] = programs.Connections[0] with { Generation = generation, LastSeenNs = ulong.MaxValue };
        programs.Flows.Update(KeyOf(role), new FlowWord(0, 1, (FlowRole)role));

        Assert.True(isTaken == Claims(programs, role, 1), state);

        Assert.True(programs.Flows.TryGet(KeyOf(role), out var word));
        Assert.Equal(isTaken ? 1u : 0u, word.Connection);
    }

    /// <summary>
    /// As two clients that are given one port of the node, which one that is gone had: the answers of both would be for one of
    /// them, and the other waited until it gave up. Or two first packets of one client: each would go to another backend.
    /// </summary>
    [KernelTheory]
    [MemberData(nameof(Roles))]
    public void Row_of_a_connection_that_has_ended_goes_to_one_of_two_that_want_it_at_once(byte role)
    {
        var programs = Start();
        int both = 0, none = 0;

        AtOnce(
            programs,
            role,
            () => Claims(programs, role, 1),
            () => Claims(programs, role, 2),
            (isFirst, isSecond) =>
            {
                both += isFirst && isSecond ? 1 : 0;
                none += isFirst || isSecond ? 0 : 1;
            });

        Assert.Equal((0, 0), (both, none));
    }

    /// <summary>A client that takes the port again at the moment when its last connection makes room for another one.</summary>
    [KernelTheory]
    [MemberData(nameof(Roles))]
    public void Row_that_is_taken_over_while_it_is_removed_stays(byte role)
    {
        var programs = Start();
        int lost = 0, claimed = 0;

        AtOnce(
            programs,
            role,
            () => Claims(programs, role, 1),
            () => Run(programs, "remove", role, 0) == 0,
            (isClaimed, _) =>
            {
                claimed += isClaimed ? 1 : 0;
                lost += isClaimed && !(programs.Flows.TryGet(KeyOf(role), out var word) && word.Connection == 1) ? 1 : 0;
                programs.Flows.TryDelete(KeyOf(role));
            });

        Assert.NotEqual(0, claimed);
        Assert.Equal(0, lost);
    }

    /// <summary>Its home was full when it was asked, and lost all its rows before this one was there.</summary>
    [KernelFact]
    public void Row_behind_a_home_without_rows_is_found()
    {
        var programs = Start();

        Assert.Equal(0u, Run(programs, "behind", 0, 0));
    }

    private static FlowKey KeyOf(byte role) => new(
        default, default, 0, 0, (byte)Protocol.Udp, (FlowRole)role is FlowRole.Forward or FlowRole.Answer ? FlowHook.Egress : FlowHook.Ingress, 0);

    private static bool Claims(LoadedPrograms programs, byte role, uint connection) => Run(programs, "claim", role, connection) == 0;

    private static uint Run(LoadedPrograms programs, string program, byte role, uint connection)
    {
        byte[] context = new byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(context.AsSpan(8), connection | ((uint)role << RoleShift));
        return (uint)programs.Get(program).TestRun(new BpfTestRunOptions { Packet = new byte[64], Context = context }).ReturnValue;
    }

    /// <summary>Programs with connections 1 and 2 that live, beside connection 0 that rows are taken from.</summary>
    private LoadedPrograms Start()
    {
        var programs = kernel.Start(Services.Both, _settings).Programs;
        programs.Connections[0] = programs.Connections[0] with { Protocol = (byte)Protocol.Udp, Flags = ConnectionFlags.Masquerade };
        foreach (int living in (int[])[1, 2])
        {
            programs.Connections[living] = programs.Connections[living] with { Generation = 1, LastSeenNs = ulong.MaxValue };
        }

        return programs;
    }

    /// <summary>Does two things at once, over and over, each time with the row of connection 0, which has ended.</summary>
    private static void AtOnce(LoadedPrograms programs, byte role, Func<bool> first, Func<bool> second, Action<bool, bool> judge)
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "needs two CPUs");
        using var meeting = new Meeting();
        bool isSecond = false;
        var other = Task.Run(
            () =>
            {
                for (int round = 0; round < Rounds; round++)
                {
                    meeting.Meet();
                    isSecond = second();
                    meeting.Meet();
                }
            },
            TestContext.Current.CancellationToken);

        for (int round = 0; round < Rounds; round++)
        {
            programs.Connections[0] = programs.Connections[0] with { Generation = 2 };
            programs.Flows.Update(KeyOf(role), new FlowWord(0, 1, (FlowRole)role));
            meeting.Meet();
            bool isFirst = first();
            meeting.Meet();
            judge(isFirst, isSecond);
        }

        other.Wait(TestContext.Current.CancellationToken);
    }
}
