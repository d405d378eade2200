using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Datapath.Tests.View;

public sealed class CapabilityCheckTests
{
    /// <summary>As /proc/self/status tells of a container with BPF, NET_ADMIN, PERFMON and SYS_ADMIN.</summary>
    private const ulong _four = 0xc000201000;

    private static readonly Version _new = new(6, 1);

    [Fact]
    public void The_four_of_the_manifests_are_enough()
    {
        var held = Capabilities.Parse(["Name:\tebpf-proxy", "CapPrm:\t0000000000000000", "CapEff:\t000000c000201000", "CapBnd:\t0000000000000000"]);

        Assert.Equal(
            ["CAP_BPF Ok", "CAP_PERFMON Ok", "CAP_NET_ADMIN Ok", "CAP_SYS_ADMIN Ok"],
            CapabilityCheck.Run(held, _new).Select(row => $"{row.Name} {row.State}"));
    }

    [Theory]
    [InlineData(Capabilities.Bpf, "CAP_BPF", CheckState.Absent)]
    [InlineData(Capabilities.Perfmon, "CAP_PERFMON", CheckState.Absent)]
    [InlineData(Capabilities.NetAdmin, "CAP_NET_ADMIN", CheckState.Missing)]
    [InlineData(Capabilities.SysAdmin, "CAP_SYS_ADMIN", CheckState.Absent)]
    public void One_that_is_taken_away_is_the_one_that_is_named(int capability, string name, CheckState state)
    {
        var rows = CapabilityCheck.Run(new Capabilities(_four & ~(1UL << capability)), _new);

        var row = Assert.Single(rows, row => row.State != CheckState.Ok);
        Assert.Equal((name, state), (row.Name, row.State));
    }

    [Theory]
    [InlineData(Capabilities.Bpf, "CAP_BPF")]
    [InlineData(Capabilities.Perfmon, "CAP_PERFMON")]
    public void Without_SYS_ADMIN_nothing_stands_in_for_another(int capability, string name)
    {
        var rows = CapabilityCheck.Run(new Capabilities(_four & ~(1UL << capability) & ~(1UL << Capabilities.SysAdmin)), _new);

        Assert.Equal(CheckState.Missing, rows.Single(row => row.Name == name).State);
    }

    [Theory]
    [InlineData("5.10", true)]
    [InlineData("5.11", false)]
    public void Locked_memory_is_limited_before_5_11(string kernel, bool isNamed)
    {
        var rows = CapabilityCheck.Run(new Capabilities(_four), Version.Parse(kernel));

        Assert.Equal(isNamed, rows.Any(row => row.Name == "CAP_SYS_RESOURCE" && row.State == CheckState.Absent));
    }
}
