using EbpfProxy.Daemon;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Daemon;

public sealed class ConntrackSysctlsTests : IDisposable
{
    private static readonly string[] _names =
        ["max", "tcp_timeout_established", "tcp_timeout_close_wait", "tcp_be_liberal", "udp_timeout", "udp_timeout_stream"];

    private readonly string _folder = Directory.CreateTempSubdirectory("conntrack-").FullName;
    private readonly LogLines _log = new();
    private string? _readOnly;

    public ConntrackSysctlsTests()
    {
        Put("nf_conntrack_max", "65536");
        Put("nf_conntrack_tcp_timeout_established", "432000");
        Put("nf_conntrack_tcp_timeout_close_wait", "60");
        Put("nf_conntrack_tcp_be_liberal", "0");
        Put("nf_conntrack_udp_timeout", "30");
        Put("nf_conntrack_udp_timeout_stream", "120");
        Put("hashsize", "16384");
        Put("cpus", "0-1,4-5\n");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Reference CT-20 and CT-21.</summary>
    [Theory]
    [InlineData(0, 0, 4, 0)]
    [InlineData(67890, 1, 4, 271560)]
    [InlineData(67890, 1, 32, 1048576)]
    [InlineData(1, 123456, 4, 123456)]
    [InlineData(0, 123456, 4, 0)]
    [InlineData(32768, 131072, 4, 131072)]
    [InlineData(32768, 131072, 5, 163840)]
    [InlineData(32768, 131072, 512, 1048576)]
    [InlineData(32768, 131072, 32, 1048576)]
    [InlineData(1, 2000000, 4, 2000000)]
    [InlineData(int.MaxValue, 1, 512, 1048576)]
    public void The_number_of_connections_is_kube_proxys(int perCore, int min, int cpus, int expected)
    {
        Assert.Equal(expected, ConntrackSysctls.MaxOf(new ConntrackOptions { MaxPerCore = perCore, Min = min }, cpus));
    }

    [Theory]
    [InlineData("0", 1)]
    [InlineData("0-3\n", 4)]
    [InlineData("0-3,8,10-11", 7)]
    public void CPUs_are_counted_as_the_kernel_lists_them(string ranges, int expected)
    {
        Assert.Equal(expected, ConntrackSysctls.CountOf(ranges));
    }

    [Fact]
    public void Defaults_set_the_size_and_the_times_of_tcp_and_leave_the_rest()
    {
        Apply(new ConntrackOptions { MaxPerCore = 40000 });

        Assert.Equal(
            ["160000", "86400", "3600", "0", "30", "120", "40000"],
            Values());
    }

    [Fact]
    public void Every_setting_has_its_file()
    {
        Apply(new ConntrackOptions
        {
            MaxPerCore = 1,
            Min = 1000,
            TcpEstablished = TimeSpan.FromSeconds(1),
            TcpCloseWait = TimeSpan.FromSeconds(2),
            IsTcpLiberal = true,
            Udp = TimeSpan.FromSeconds(3),
            UdpStream = TimeSpan.FromSeconds(4),
        });

        // A size is written even where it is less; the table of it is never made smaller.
        Assert.Equal(["1000", "1", "2", "1", "3", "4", "16384"], Values());
    }

    [Fact]
    public void What_is_right_already_is_not_written()
    {
        Apply(new ConntrackOptions());
        int lines = _log.Lines.Count;
        File.SetAttributes(At("nf_conntrack_tcp_timeout_established"), FileAttributes.Normal);
        var before = File.GetLastWriteTimeUtc(At("nf_conntrack_tcp_timeout_established"));

        Apply(new ConntrackOptions());

        Assert.Equal(lines, _log.Lines.Count);
        Assert.Equal(before, File.GetLastWriteTimeUtc(At("nf_conntrack_tcp_timeout_established")));
    }

    [Fact]
    public void Zeros_leave_everything_as_it_is()
    {
        string[] before = Values();

        Apply(new ConntrackOptions { MaxPerCore = 0, TcpEstablished = TimeSpan.Zero, TcpCloseWait = TimeSpan.Zero });

        Assert.Equal(before, Values());
    }

    [Fact]
    public void The_machines_size_is_left_where_the_namespace_may_not_write_it()
    {
        File.SetAttributes(At("nf_conntrack_max"), FileAttributes.ReadOnly);

        Apply(new ConntrackOptions { MaxPerCore = 40000 });

        Assert.Equal(["65536", "86400", "3600", "0", "30", "120", "16384"], Values());
    }

    [Fact]
    public void A_refusal_of_the_kernel_is_told_in_kube_proxys_words()
    {
        File.Delete(At("hashsize"));

        var error = Assert.Throws<IOException>(() => Apply(new ConntrackOptions { MaxPerCore = 40000 }));

        Assert.StartsWith("could not set conntrack parameters from kube-proxy configuration: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_module_the_node_is_left_alone()
    {
        File.Delete(At("nf_conntrack_max"));

        Apply(new ConntrackOptions());

        Assert.Equal("432000", File.ReadAllText(At("nf_conntrack_tcp_timeout_established")));
        Assert.Contains("tracks no connections", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_container_has_for_reading_only_is_left_and_told()
    {
        // A number of the kernel's that nobody can write.
        _readOnly = At("nf_conntrack_udp_timeout");
        File.Delete(_readOnly);
        File.CreateSymbolicLink(_readOnly, "/proc/sys/kernel/ngroups_max");

        Apply(new ConntrackOptions { Udp = TimeSpan.FromSeconds(3), UdpStream = TimeSpan.FromSeconds(4) });

        Assert.Contains(_log.Lines, line => line.StartsWith("Warning: ", StringComparison.Ordinal) && line.EndsWith("it stays 65536 and should be 3", StringComparison.Ordinal));
        Assert.Equal("4", File.ReadAllText(At("nf_conntrack_udp_timeout_stream")));
    }

    private void Apply(ConntrackOptions options) => new ConntrackSysctls(
        options,
        _log,
        new ConntrackPaths { Settings = _folder, HashSize = At("hashsize"), Cpus = At("cpus"), IsReadOnly = path => path == _readOnly }).Apply();

    private string[] Values() =>
    [
        .. _names.Select(name => File.ReadAllText(At($"nf_conntrack_{name}"))),
        File.ReadAllText(At("hashsize")),
    ];

    private string At(string name) => Path.Combine(_folder, name);

    private void Put(string name, string text) => File.WriteAllText(At(name), text);
}
