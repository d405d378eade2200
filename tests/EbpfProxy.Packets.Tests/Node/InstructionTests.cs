using System.Globalization;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>What the verifier has to walk through, which a kernel limits to a million and which says how large a program is.</summary>
[Collection(PacketTests.Name)]
public sealed class InstructionTests(PacketKernel kernel, ITestOutputHelper output)
{
    [KernelTheory]
    [InlineData("proxy_ingress", 60_000)]
    [InlineData("proxy_egress", 60_000)]
    [InlineData("proxy_ingress_ip", 60_000)]
    [InlineData("proxy_egress_ip", 60_000)]
    public void Program_stays_in_its_budget(string program, uint budget)
    {
        var node = kernel.Start(Packets.Services.Both);

        uint instructions = node.Programs.Object.GetProgram(program).Program.ReadInfo().VerifiedInstructions;

        Assert.SkipWhen(instructions == 0, "this kernel does not tell (before 5.16)");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{program}: {instructions} verified instructions of {budget}"));
        Assert.InRange(instructions, 1u, budget);
    }
}
