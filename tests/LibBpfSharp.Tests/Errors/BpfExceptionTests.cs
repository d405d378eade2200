namespace LibBpfSharp.Tests.Errors;

public sealed class BpfExceptionTests
{
    [Theory]
    [InlineData(1, "EPERM (Operation not permitted)")]
    [InlineData(40, "ELOOP (Too many levels of symbolic links)")]
    [InlineData(95, "EOPNOTSUPP (Operation not supported)")]
    [InlineData(524, "ENOTSUPP (Operation not supported by the kernel)")]
    [InlineData(4005, "LIBBPF_ERRNO__RELOC (Relocation failed)")]
    [InlineData(3999, "errno 3999 (Unknown error 3999)")]
    public void An_error_is_told_in_words(int errno, string words)
    {
        var failure = new BpfException("attach tcx ingress", "proxy_in", errno, "to eth0");

        Assert.Equal($"attach tcx ingress \"proxy_in\" to eth0: {words}", failure.Message);
        Assert.Equal(("attach tcx ingress", "proxy_in", errno), (failure.Operation, failure.ObjectName, failure.Errno));
    }

    [Fact]
    public void What_is_missing_is_told_with_the_kernel_that_has_it()
    {
        var failure = new BpfNotSupportedException("tcx links", "6.6", "attach tcx ingress", "proxy_in", 22, "to eth0");

        Assert.Equal(
            "attach tcx ingress \"proxy_in\" to eth0: EINVAL (Invalid argument); this kernel lacks tcx links (Linux 6.6 and later have it)",
            failure.Message);
    }

    [Theory]
    [InlineData("R1 invalid mem access 'scalar'\n", "; R1 invalid mem access 'scalar'")]
    [InlineData("0: R1=ctx()\nR0 !read_ok\nprocessed 1 insns (limit 1000000) max_states_per_insn 0\n\n", "; R0 !read_ok (2 lines omitted)")]
    [InlineData("processed 1 insns\n", "")]
    [InlineData("", "")]
    public void The_verifiers_last_line_that_says_why_is_shown(string log, string shown)
    {
        var failure = new BpfVerifierException("proxy_in", 13, log);

        Assert.Equal($"load program \"proxy_in\": EACCES (Permission denied){shown}", failure.Message);
        Assert.Equal(log, failure.Log);
    }
}
