using EbpfProxy.Datapath.View;

namespace EbpfProxy.Datapath.Tests;

/// <summary>What `check` says of the node's network.</summary>
public sealed class NetworkCheckTests
{
    [Theory]
    [InlineData(1, "d1")]
    [InlineData(12, "d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12")]
    [InlineData(250, "d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12 and 238 more")]
    public void Of_many_devices_some_are_named(int count, string text) =>
        Assert.Equal(text, NetworkCheck.NamesOf([.. Enumerable.Range(1, count).Select(number => $"d{number}")]));
}
