using System.Globalization;
using EbpfProxy.Commands;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Tests.Commands;

public sealed class ListOutputTests
{
    private static readonly ServiceRow _row = new(
        7,
        new ServiceKey(new ObjectName("default", "web"), "http", Protocol.Tcp, IpFamily.IPv4),
        [new Frontend(Address.FromIPv4(0x0a600001), 80, FrontendKind.ClusterIP), new Frontend(Address.Any, 30080, FrontendKind.NodePort)],
        new TrafficVerdicts(Verdict.Cluster, Verdict.Local, Verdict.Cluster),
        2,
        10800,
        [new Prefix(Address.FromIPv4(0xcb007100), 24)],
        [],
        [new BackendRow(3, Address.FromIPv4(0x0a000001), 8080, BackendUse.Serving | BackendUse.InClusterSet | BackendUse.OnNode)]);

    [Fact]
    public void A_service_is_one_row_of_words()
    {
        Assert.Equal(
            ["default", "web", "http", "TCP", "10.96.0.1:80,*:30080", "2", "cluster", "local", "10800s"],
            ServiceListCommand.Cells(_row));
    }

    [Theory]
    [InlineData(BackendUse.Serving | BackendUse.InClusterSet, "ready")]
    [InlineData(BackendUse.Serving | BackendUse.InLocalSet | BackendUse.OnNode, "ready")]
    [InlineData(BackendUse.Serving, "draining")]
    [InlineData(BackendUse.OnNode, "unused")]
    public void A_backend_says_whether_it_gets_traffic(BackendUse use, string state)
    {
        Assert.Equal(state, BackendListCommand.Cells(_row, new BackendRow(3, Address.FromIPv4(1), 80, use))[4]);
    }

    [Fact]
    public void Json_has_what_the_row_has()
    {
        string json = System.Text.Json.JsonSerializer.Serialize([ServiceJson.From(_row)], ListJsonContext.Default.IReadOnlyListServiceJson);

        Assert.Contains("\"address\": \"10.96.0.1\"", json, StringComparison.Ordinal);
        Assert.Contains("\"kind\": \"NodePort\"", json, StringComparison.Ordinal);
        Assert.Contains("\"203.0.113.0/24\"", json, StringComparison.Ordinal);
        Assert.Contains("\"externalNear\": \"cluster\"", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_are_as_wide_as_their_widest_cell()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        TextTable.Write(output, ["A", "B"], [["long", "x"], ["y", ""]]);

        Assert.Equal("A      B\nlong   x\ny\n", output.ToString());
    }
}
