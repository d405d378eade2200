using System.Globalization;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Node;

public sealed class LocalPortsTests : IDisposable
{
    private const string Reserved = "/proc/sys/net/ipv4/ip_local_reserved_ports";

    private readonly ScratchNetworkNamespace _network = new();
    private readonly string _notes = Directory.CreateTempSubdirectory().FullName;

    public void Dispose()
    {
        _network.Dispose();
        Directory.Delete(_notes, recursive: true);
    }

    [KernelFact]
    public void What_others_reserved_stays_however_long_it_is() => _network.Invoke(() =>
    {
        int[] theirs = [.. Enumerable.Range(0, 2000).Select(number => 20001 + (2 * number))];
        Reserve(string.Join(',', theirs));
        var ports = new LocalPorts(Path.Combine(_notes, "notes"));

        Assert.Equal("60000-60999", ports.Reserve(new PortRange(60000, 60999)));
        Assert.Equal(theirs.Concat(Enumerable.Range(60000, 1000)), ReadReserved());

        ports.Release();
        Assert.Equal(theirs, ReadReserved());
    });

    [KernelFact]
    public void What_others_reserved_from_port_0_on_stays() => _network.Invoke(() =>
    {
        Reserve("0-1023,40000");
        var ports = new LocalPorts(Path.Combine(_notes, "notes"));

        ports.Reserve(new PortRange(60000, 60999));

        Assert.Equal("1-1023,40000,60000-60999", Shell.Require("cat \"$1\"", Reserved).Trim());
    });

    [KernelTheory]
    [InlineData("10000-31000")]
    [InlineData("30000-39999")]
    public void Range_may_become_one_that_meets_it(string next) => _network.Invoke(() =>
    {
        File.WriteAllText("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
        var ports = new LocalPorts(Path.Combine(_notes, "notes"));
        ports.Reserve(new PortRange(1024, 29999));

        Assert.True(PortRange.TryParse(next, out var range));
        Assert.Equal(next, ports.Reserve(range));
        Assert.Equal(next, File.ReadAllText(Reserved).Trim());
        Assert.True(ports.AreKept());
    });

    // In pieces that are shorter than a page, and end behind a number: so does sysctl(8).
    private static void Reserve(string ports) => Shell.Require("tr , '\\n' <<< \"$1\" | xargs -n 100 | tr ' ' , | (while read -r part; do echo -n \"$part,\"; done) > \"$2\"", ports, Reserved);

    private static IEnumerable<int> ReadReserved() => Shell.Require("dd if=\"$1\" bs=1M status=none", Reserved).Trim().Split(',').SelectMany(part =>
    {
        int[] ends = [.. part.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    });
}
