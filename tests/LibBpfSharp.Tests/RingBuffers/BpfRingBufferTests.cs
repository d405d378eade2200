using System.Buffers.Binary;
using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.RingBuffers;

public sealed class BpfRingBufferTests
{
    [KernelFact]
    public void Records_come_in_order()
    {
        using var sample = Sample.Load();
        var lengths = new List<uint>();
        using var ring = new BpfRingBuffer(
            sample.GetMap("records").Map, record => lengths.Add(BinaryPrimitives.ReadUInt32LittleEndian(record)));
        Send(sample, 60);
        Send(sample, 70);

        int first = ring.Poll(TimeSpan.FromSeconds(10));
        Send(sample, 80);
        int second = ring.Consume();

        Assert.Equal((2, 1), (first, second));
        Assert.Equal([60u, 70u, 80u], lengths);
        Assert.Equal(0, ring.Poll(TimeSpan.Zero));
    }

    [KernelFact]
    public void What_the_handler_throws_comes_out_of_the_poll_and_the_rest_can_be_read()
    {
        using var sample = Sample.Load();
        int calls = 0;
        using var ring = new BpfRingBuffer(sample.GetMap("records").Map, _ =>
        {
            if (calls++ == 0)
            {
                throw new InvalidTimeZoneException("on purpose");
            }
        });
        Send(sample, 60);
        Send(sample, 70);

        Assert.Throws<InvalidTimeZoneException>(() => ring.Poll(TimeSpan.FromSeconds(10)));
        ring.Consume();

        Assert.Equal(2, calls);
    }

    [KernelFact]
    public void A_map_of_another_type_is_refused()
    {
        using var sample = Sample.Load();

        var failure = Assert.Throws<BpfException>(() => new BpfRingBuffer(sample.GetMap("table").Map, _ => { }));

        Assert.StartsWith("open ring buffer \"table\": EINVAL (Invalid argument)", failure.Message, StringComparison.Ordinal);
    }

    private static void Send(BpfObject sample, int length)
        => sample.GetProgram("read_number").Program.TestRun(new BpfTestRunOptions { Packet = Sample.Packet(length) });
}
