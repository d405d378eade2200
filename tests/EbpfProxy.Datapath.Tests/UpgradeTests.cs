using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Kernel;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests;

/// <summary>
/// A client in the cgroup connects without a pause while one build takes over from another. The service's address is in
/// 127.0.0.0/8, so that a connection that nobody translates is refused and goes nowhere else.
/// </summary>
public sealed class UpgradeTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();
    private readonly TcpListener _backend = new(IPAddress.Loopback, 0);
    private readonly string _stop = Path.Combine(Path.GetTempPath(), $"stop-{Guid.NewGuid()}");
    private int _accepted;

    public UpgradeTests()
    {
        _backend.Start();
        _ = AcceptAsync();
    }

    public void Dispose()
    {
        File.Delete(_stop);
        _backend.Dispose();
        Directory.Delete(Path.Combine(_bpffs.Path, "ebpf-proxy"), recursive: true);
        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Build_with_another_layout_takes_over_and_hands_back_without_a_failed_connection()
    {
        byte[] next = ReadNext();
        using (var datapath = Open(Programs.SocketObject.Read()))
        {
            Apply(datapath);
        }

        var load = Task.Run(() => _cgroup.Run(
            "while [ ! -e \"$1\" ]; do (exec 3<>/dev/tcp/127.96.0.1/80) 2>/dev/null || echo failed; done", _stop));
        WaitForConnections();

        using (var upgraded = Open(next))
        {
            Assert.True(HasTables(1));
            WaitForConnections();
            Apply(upgraded);
            Assert.True(HasTables(2) && !HasTables(1));
            WaitForConnections();
        }

        WaitForConnections();
        using (var rolledBack = Open(Programs.SocketObject.Read()))
        {
            Apply(rolledBack);
            Assert.True(HasTables(1) && !HasTables(2));
            WaitForConnections();
        }

        File.WriteAllText(_stop, "");
        Assert.Equal("", load.Result.Output);
        Assert.Single(DatapathView.ReadServices(_bpffs.Path));
    }

    [KernelFact]
    public void Programs_that_the_kernel_refuses_leave_the_running_ones_in_place()
    {
        using (var datapath = Open(Programs.SocketObject.Read()))
        {
            Apply(datapath);
        }

        var error = Assert.ThrowsAny<IOException>(() => Open(Break(Programs.SocketObject.Read())).Dispose());

        Assert.StartsWith("load program \"proxy_", error.Message, StringComparison.Ordinal);
        Assert.Equal("", _cgroup.Run("exec 3<>/dev/tcp/127.96.0.1/80").Error);
    }

    /// <summary>The socket programs of a build with another layout of the tables.</summary>
    internal static byte[] ReadNext()
    {
        using var stream = typeof(UpgradeTests).Assembly.GetManifestResourceStream("next/sock_addr.bpf.o")!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>After <c>return 1</c> there is an instruction that no kernel knows; all else is as it was, type information too.</summary>
    private static byte[] Break(byte[] elf)
    {
        // w0 = 1; exit
        byte[] end = [0xb4, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
        byte[] broken = [.. elf];
        for (int at = broken.AsSpan().IndexOf(end); at >= 0; at = broken.AsSpan().IndexOf(end))
        {
            broken[at + 8] = 0xff;
        }

        return broken;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                (await _backend.AcceptSocketAsync()).Dispose();
                Interlocked.Increment(ref _accepted);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private void WaitForConnections()
    {
        int enough = Volatile.Read(ref _accepted) + 50;
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _accepted) >= enough, Deadline), "no more connections");
    }

    private bool HasTables(int version) => Directory.Exists(Path.Combine(_bpffs.Path, "ebpf-proxy", $"tables-v{version}"));

    private ServiceDatapath Open(byte[] programs) => ServiceDatapath.Open(
        new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path }, programs, NullLogger.Instance);

    private void Apply(ServiceDatapath datapath)
    {
        var tables = Service("web", "127.96.0.1", "127.0.0.1");
        ushort port = (ushort)((IPEndPoint)_backend.LocalEndpoint).Port;
        tables = tables with { Ports = [tables.Ports[0] with { Backends = [tables.Ports[0].Backends[0] with { Port = port }] }] };
        datapath.Apply([new ServiceChange(tables.Name, tables)], isComplete: true);
    }
}
