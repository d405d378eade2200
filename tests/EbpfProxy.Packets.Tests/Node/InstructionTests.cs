using System.Globalization;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>
/// What verifiers ask of the programs: how much there is to walk through, which a kernel limits to a million, is no more than a
/// fifth of that; and what the oldest kernel that is supported refuses and this one may not.
/// </summary>
[Collection(PacketTests.Name)]
public sealed class InstructionTests(PacketKernel kernel, ITestOutputHelper output)
{
    private const uint Budget = 200_000;

    public static TheoryData<string> Programs { get; } = new("proxy_ingress", "proxy_egress", "proxy_ingress_ip", "proxy_egress_ip");

    [KernelTheory]
    [MemberData(nameof(Programs))]
    public void Program_stays_in_its_budget(string program)
    {
        var node = kernel.Start(Packets.Services.Both);

        uint instructions = node.Programs.Get(program).ReadInfo().VerifiedInstructions;

        Assert.SkipWhen(instructions == 0, "this kernel does not tell (before 5.16)");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{program}: {instructions} verified instructions of {Budget}"));
        Assert.InRange(instructions, 1u, Budget);
    }

    [KernelTheory]
    [MemberData(nameof(Programs))]
    public void Program_has_no_loop_that_old_kernels_refuse(string program)
    {
        var node = kernel.Start(Packets.Services.Both);

        Assert.Null(new OldVerifier(node.Programs.ReadInstructions(program)).FindIrregularLoop());
    }

    [KernelTheory]
    [MemberData(nameof(Programs))]
    public void Program_fits_the_stack_of_old_kernels(string program)
    {
        var node = kernel.Start(Packets.Services.Both);

        int stack = new OldVerifier(node.Programs.ReadInstructions(program)).MeasureStack();

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{program}: {stack} bytes of stack of {OldVerifier.StackSize}"));
        Assert.InRange(stack, 1, OldVerifier.StackSize);
    }
}
