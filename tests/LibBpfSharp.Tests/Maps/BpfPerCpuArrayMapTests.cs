using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Maps;

public sealed class BpfPerCpuArrayMapTests
{
    [KernelFact]
    public void Every_cpu_counts_for_itself()
    {
        using var sample = Sample.Load();
        var counters = new BpfPerCpuArrayMap<uint>(sample.GetMap("counters").Map);
        var program = sample.GetProgram("read_number").Program;

        program.TestRun(new BpfTestRunOptions { Packet = Sample.Packet(64), Repeat = 10 });

        uint[] counts = counters.Read(1);
        Assert.Equal(counters.CpuCount, counts.Length);
        Assert.Equal(10u, counts.Aggregate((sum, count) => sum + count));
        Assert.All(counters.Read(0), count => Assert.Equal(0u, count));
    }

    [KernelFact]
    public void What_is_written_for_each_cpu_is_read_back()
    {
        using var sample = Sample.Load();
        var counters = new BpfPerCpuArrayMap<uint>(sample.GetMap("counters").Map);
        uint[] written = [.. Enumerable.Range(1, counters.CpuCount).Select(i => (uint)i)];

        counters.Write(0, written);

        Assert.Equal(written, counters.Read(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => counters.Read(0, new uint[counters.CpuCount + 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => counters.Read(2));
    }
}
