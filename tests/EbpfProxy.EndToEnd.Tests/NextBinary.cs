using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>
/// The native binary as a build with TABLES_VERSION=2 leaves it, without the minute that another native build takes: the
/// binary carries the BPF object as it is, and only that differs.
/// </summary>
internal sealed class NextBinary : IDisposable
{
    private const string Object = "sock_addr.bpf.o";

    public NextBinary()
    {
        byte[] binary = File.ReadAllBytes(ProxyBinary.Path);
        byte[] own = Read(typeof(DatapathView), Object);
        byte[] next = Read(typeof(NextBinary), $"next/{Object}");
        int at = binary.AsSpan().IndexOf(own);
        Assert.True(at >= 0, $"{ProxyBinary.Path} carries another object than the tests were built with: run `make build`");
        Assert.Equal(own.Length, next.Length);
        Assert.NotEqual(own, next);
        next.CopyTo(binary, at);
        Assert.True(binary.AsSpan().IndexOf(own) < 0, "the binary carries the object twice");

        // The copy may be executed, as the binary may.
        File.Copy(ProxyBinary.Path, Path);
        File.WriteAllBytes(Path, binary);
    }

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"ebpf-proxy-next-{Guid.NewGuid()}");

    public void Dispose() => File.Delete(Path);

    private static byte[] Read(Type owner, string resource)
    {
        using var stream = owner.Assembly.GetManifestResourceStream(resource)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
