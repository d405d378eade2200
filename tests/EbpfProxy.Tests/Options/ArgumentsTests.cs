using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

public sealed class ArgumentsTests
{
    [Theory]
    [InlineData("--config=x --hostname-override=y", "run --config=x --hostname-override=y")]
    [InlineData("-v=2", "run -v=2")]
    [InlineData("run --v=2", "run --v=2")]
    [InlineData("--cluster_cidr=10.0.0.0/8 --hostname_override=my_node", "run --cluster-cidr=10.0.0.0/8 --hostname-override=my_node")]
    [InlineData("--hostname_override my_node", "run --hostname-override my_node")]
    [InlineData("--oom-score-adj -999 -v 2", "run --oom-score-adj=-999 -v 2")]
    [InlineData("--cleanup --bpffs=/x --v=4", "run --cleanup --bpffs=/x --v=4")]
    [InlineData("--cleanup=false --bpffs=/x", "run --cleanup=false --bpffs=/x")]
    [InlineData("--help", "--help")]
    [InlineData("--version=raw", "run --version=raw")]
    [InlineData("--config= -v=1", "run --config  -v=1")]
    [InlineData("service list -o json", "service list -o json")]
    [InlineData("", "")]
    public void A_command_line_of_kube_proxy_means_run(string given, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Arguments.Normalize(Split(given))));
    }

    private static string[] Split(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
