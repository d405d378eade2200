using System.Globalization;
using EbpfProxy.Commands;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Output;

namespace EbpfProxy.Tests.Output;

/// <summary>What was not measured is not told as 0.</summary>
public sealed class BytesTests
{
    private static readonly ServiceTally _tally = new(
        1, new ServiceKey(new ObjectName("default", "web"), "http", Protocol.Tcp, IpFamily.IPv4), 5, 1, 0, 0, default, CountsSocketBytes: false);

    [Theory]
    [InlineData(false, 0, null)]
    [InlineData(false, 100, 100)]
    [InlineData(true, 0, 0)]
    [InlineData(true, 100, 100)]
    public void Bytes_so_far_are_a_number_where_some_were_counted_or_all_are(bool countsSocketBytes, int bytes, int? expected)
    {
        var json = TallyJson.From(_tally with { CountsSocketBytes = countsSocketBytes, BytesSent = (ulong)bytes });

        Assert.Equal((ulong?)expected, json.BytesSent);
        Assert.Equal(expected is null ? null : 0ul, json.BytesReceived);
        Assert.Equal(countsSocketBytes, json.SocketBytes);
    }

    /// <summary>Bytes of before, as those of sockets that were counted then, make no rate of now.</summary>
    [Theory]
    [InlineData(false, 0, "-")]
    [InlineData(false, 3072, "1.5 KiB")]
    [InlineData(true, 0, "0 B")]
    public void Rates_are_told_where_something_was_counted_meanwhile_or_all_is(bool countsSocketBytes, int bytes, string expected)
    {
        var before = _tally with { CountsSocketBytes = countsSocketBytes, BytesSent = 7000 };
        var row = Assert.Single(TrafficRow.Between([before], [before with { BytesSent = 7000 + (ulong)bytes }], TimeSpan.FromSeconds(2)));

        Assert.Equal(expected, Words.OfBytes(row.Sent));
        Assert.Equal(expected == "-" ? null : 0, row.Received);
    }

    [Theory]
    [InlineData(Protocol.Tcp, false, 0, "so far       5 connections, bytes - (not measured); those of sockets are counted with --socket-bytes\n")]
    [InlineData(Protocol.Tcp, false, 2048, "so far       5 connections, 2 KiB to backends, 0 B from them; those of sockets are counted with --socket-bytes\n")]
    [InlineData(Protocol.Udp, false, 0, "so far       5 connections, bytes - (not measured); those of UDP sockets are not counted\n")]
    [InlineData(Protocol.Tcp, true, 0, "so far       5 connections, 0 B to backends, 0 B from them\n")]
    public void A_service_says_what_its_bytes_lack(Protocol protocol, bool countsSocketBytes, int bytes, string expected)
    {
        var key = _tally.Service with { Protocol = protocol };
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        ServiceShowCommand.Write(
            output,
            Terminal.None,
            new ServiceRow(1, key, [], new TrafficVerdicts(Verdict.Cluster, Verdict.Cluster, Verdict.Cluster), 0, 0, [], [], []),
            new ConnectionCounts([], []),
            _tally with { Service = key, CountsSocketBytes = countsSocketBytes, BytesSent = (ulong)bytes });

        Assert.Contains(expected, output.ToString(), StringComparison.Ordinal);
    }
}
