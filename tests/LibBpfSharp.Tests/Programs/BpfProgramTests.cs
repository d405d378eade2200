using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Programs;

public sealed class BpfProgramTests
{
    [KernelFact]
    public void A_test_run_gives_verdict_and_packet()
    {
        using var sample = Sample.Load();
        byte[] packet = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];
        byte[] output = new byte[128];

        var run = sample.GetProgram("pass").Program.TestRun(new BpfTestRunOptions { Packet = packet, PacketOut = output, Repeat = 3 });

        Assert.Equal((2u, 64), (run.ReturnValue, run.PacketLength));
        Assert.Equal(packet, output[..64]);
    }

    [KernelFact]
    public void A_program_that_cannot_be_run_says_so()
    {
        using var sample = Sample.Load();

        var failure = Assert.Throws<BpfException>(() => sample.GetProgram("sample_allow").Program.TestRun(default));

        Assert.Equal("test-run program \"sample_allow\": ENOTSUPP (Operation not supported by the kernel)", failure.Message);
    }

    [KernelFact]
    public void A_program_tells_what_it_cost_to_verify()
    {
        using var sample = Sample.Load();

        var pass = sample.GetProgram("pass");
        var info = pass.Program.ReadInfo();

        Assert.Equal((2u, BpfProgramType.Xdp, "pass"), (pass.VerifiedInstructions, info.Type, info.Name));
        Assert.Matches("^[0-9a-f]{16}$", info.Tag);
        using var again = BpfProgram.TryFromId(info.Id);
        Assert.Equal(info.Tag, again?.ReadInfo().Tag);
    }

    [KernelFact]
    public void A_program_has_its_instructions()
    {
        using var sample = Sample.Load();

        var instructions = sample.GetProgram("pass").Instructions;

        Assert.Equal([new BpfInstruction(0xb4, 0, 0, 2), new BpfInstruction(0x95, 0, 0, 0)], instructions.ToArray());
    }

    [KernelFact]
    public void A_program_tells_its_runs_while_they_are_measured()
    {
        using var sample = Sample.Load();
        var pass = sample.GetProgram("pass").Program;
        using (BpfRunStatistics.Enable())
        {
            pass.TestRun(new BpfTestRunOptions { Packet = new byte[64], Repeat = 1000 });
        }

        Assert.Equal(1000u, pass.ReadInfo().RunCount);
        Assert.NotEqual(TimeSpan.Zero, pass.ReadInfo().RunTime);
    }
}
