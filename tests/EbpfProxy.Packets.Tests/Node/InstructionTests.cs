using System.Globalization;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>What the verifier has to walk through, which a kernel limits to a million: no more than a fifth of that.</summary>
[Collection(PacketTests.Name)]
public sealed class InstructionTests(PacketKernel kernel, ITestOutputHelper output)
{
    [KernelTheory]
    [InlineData("proxy_ingress", 200_000)]
    [InlineData("proxy_egress", 200_000)]
    [InlineData("proxy_ingress_ip", 200_000)]
    [InlineData("proxy_egress_ip", 200_000)]
    public void Program_stays_in_its_budget(string program, uint budget)
    {
        var node = kernel.Start(Packets.Services.Both);

        uint instructions = node.Programs.Get(program).ReadInfo().VerifiedInstructions;

        Assert.SkipWhen(instructions == 0, "this kernel does not tell (before 5.16)");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{program}: {instructions} verified instructions of {budget}"));
        Assert.InRange(instructions, 1u, budget);
    }
}
