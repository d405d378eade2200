using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Testing.Kernel;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.Datapath.Tests.Namespaces;

public sealed class NetworkNamespacesTests : IDisposable
{
    private readonly ScratchNetworkNamespace _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [KernelFact]
    public void Namespace_that_is_mounted_is_found_with_its_cookie()
    {
        ulong cookie = 0;
        _scratch.Invoke(() => cookie = NetworkNamespaces.ReadCookie());

        var found = Assert.Single(new NetworkNamespaces(NullLogger.Instance).Find(), n => n.Path == _scratch.Path);

        Assert.Equal(cookie, found.Cookie);
        Assert.NotEqual(NetworkNamespaces.ReadCookie(), found.Cookie);
    }

    [KernelFact]
    public void Namespace_of_a_process_alone_is_found_and_each_one_once()
    {
        using var holder = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("unshare", ["--net", "sleep", "60"]))!;
        string link = $"/proc/{holder.Id}/ns/net";
        string own = new FileInfo("/proc/self/ns/net").LinkTarget!;
        try
        {
            Eventually.Holds(() => new FileInfo(link).LinkTarget is { } target && target != own, TimeSpan.FromSeconds(10));

            var found = new NetworkNamespaces(NullLogger.Instance).Find();

            ulong inode = ulong.Parse(new FileInfo(link).LinkTarget![5..^1], null);
            Assert.Contains(found, n => n.Inode == inode && n.Cookie != 0);
            Assert.Contains(found, n => own == $"net:[{n.Inode}]" && n.Cookie == NetworkNamespaces.ReadCookie());

            // Those that go while they are looked at have no cookie.
            Assert.DoesNotContain(found.Where(n => n.Cookie != 0).GroupBy(n => n.Cookie), same => same.Count() > 1);
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
        }
    }

    [KernelFact]
    public void Action_runs_in_the_namespace_and_moves_nobody_else()
    {
        var namespaces = new NetworkNamespaces(NullLogger.Instance);
        var found = namespaces.Find().Single(n => n.Path == _scratch.Path);
        ulong before = NetworkNamespaces.ReadCookie();
        ulong inside = 0;

        Assert.True(namespaces.TryInvoke(found, () => inside = NetworkNamespaces.ReadCookie()));

        Assert.Equal(found.Cookie, inside);
        Assert.Equal(before, NetworkNamespaces.ReadCookie());
        Assert.Throws<IOException>(() => namespaces.TryInvoke(found, () => throw new IOException("as it says")));
    }

    [KernelFact]
    public void Namespace_that_is_gone_is_not_entered_nor_another_in_its_place()
    {
        var namespaces = new NetworkNamespaces(NullLogger.Instance);
        NetworkNamespace found;
        using (var other = new ScratchNetworkNamespace())
        {
            found = namespaces.Find().Single(n => n.Path == other.Path);
        }

        Assert.False(namespaces.TryInvoke(found, () => Assert.Fail("entered")));
        Assert.False(namespaces.TryInvoke(found with { Path = _scratch.Path }, () => Assert.Fail("entered")));
        Assert.DoesNotContain(namespaces.Find(), n => n.Path == found.Path);
    }

    [KernelFact]
    public void Refusal_is_told_once_and_costs_only_the_call()
    {
        var log = new CountingLogger();
        var namespaces = new NetworkNamespaces(log);
        var found = namespaces.Find().Single(n => n.Path == _scratch.Path);
        bool wasEntered = false;

        var thread = new Thread(() =>
        {
            ThreadCapabilities.Drop();
            wasEntered = namespaces.TryInvoke(found, () => { }) || namespaces.TryInvoke(found, () => { });
        });
        thread.Start();
        thread.Join();

        Assert.False(wasEntered);
        Assert.Equal(1, log.Count);
        Assert.True(namespaces.TryInvoke(found, () => { }));
    }

    [Fact]
    public void Mounts_are_told_by_what_they_show()
    {
        var files = NamespaceFiles.ParseMounts(
        [
            "36 35 0:4 net:[4026532177] /run/netns/a\\040b rw shared:1 - nsfs nsfs rw",
            "37 35 0:4 net:[4026532177] /var/run/netns/again rw - nsfs nsfs rw",
            "38 35 0:4 mnt:[4026532178] /run/mounts/c rw - nsfs nsfs rw",
            "39 35 0:4 / /run rw - tmpfs tmpfs rw",
            "40 35",
            "41 35 0:4 net:[x] /run/netns/d rw - nsfs nsfs rw",
        ]);

        Assert.Equal("/run/netns/a b", Assert.Single(files).Value);
        Assert.Equal(4026532177UL, Assert.Single(files).Key);
    }

    private sealed class CountingLogger : ILogger
    {
        public int Count { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Count++;
    }
}
