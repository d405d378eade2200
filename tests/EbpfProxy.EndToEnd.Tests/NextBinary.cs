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
        : this(_ => Read(typeof(NextBinary), $"next/{Object}"))
    {
    }

    private NextBinary(Func<byte[], byte[]> change)
    {
        byte[] binary = File.ReadAllBytes(ProxyBinary.Path);
        byte[] own = Read(typeof(DatapathView), Object);
        byte[] next = change(own);
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

    /// <summary>One whose programs no kernel takes: after <c>return 1</c> they have an instruction that none knows.</summary>
    public static NextBinary OfRefusedPrograms() => new(own =>
    {
        // w0 = 1; exit
        byte[] end = [0xb4, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
        byte[] broken = [.. own];
        for (int at = broken.AsSpan().IndexOf(end); at >= 0; at = broken.AsSpan().IndexOf(end))
        {
            broken[at + 8] = 0xff;
        }

        return broken;
    });

    public void Dispose() => File.Delete(Path);

    private static byte[] Read(Type owner, string resource)
    {
        using var stream = owner.Assembly.GetManifestResourceStream(resource)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
