using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Probing;

public sealed class KernelTypesTests
{
    [KernelFact]
    public void Members_are_found_at_their_place()
    {
        using var types = KernelTypes.TryLoad();
        Assert.SkipWhen(types is null, "this kernel does not describe its types");

        Assert.Equal(new KernelMember(0, IsBitField: false), types.FindMember("sock", "__sk_common"));
        Assert.Equal(new KernelMember(64, IsBitField: false), types.FindMember("list_head", "prev"));
        Assert.True(types.FindMember("sock", "sk_kern_sock") is { IsBitField: true, BitOffset: > 0 });
        Assert.Null(types.FindMember("sock", "no_such_member"));
        Assert.Null(types.FindMember("no_such_struct", "x"));
    }
}
