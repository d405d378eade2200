
namespace LibBpfSharp.Tests.Native;

public sealed class SymbolTests
{
    [Fact]
    public void Libbpf_is_found_under_the_name_that_distributions_give_it()
    {
        var version = (Major: LibBpf.libbpf_major_version(), Minor: LibBpf.libbpf_minor_version());

        Assert.True(version is (1, >= 1) or ( > 1, _), $"libbpf {version}");
    }
}
