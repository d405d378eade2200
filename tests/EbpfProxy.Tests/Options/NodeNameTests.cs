using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

public sealed class NodeNameTests
{
    private readonly Problems _problems = new();

    [Theory]
    [InlineData(null, "Host1", "host1")]
    [InlineData(" Node-A ", "host1", "node-a")]
    public void It_is_trimmed_and_in_lower_case(string? name, string host, string expected)
    {
        Assert.Equal(expected, NodeName.From(name, host, _problems));
        Assert.Empty(_problems.Errors);
    }

    [Fact]
    public void An_override_of_spaces_is_an_error_in_kube_proxys_words()
    {
        NodeName.From("  ", "host1", _problems);

        Assert.Equal("--hostname-override: empty hostname-override is invalid", Assert.Single(_problems.Errors));
    }
}
