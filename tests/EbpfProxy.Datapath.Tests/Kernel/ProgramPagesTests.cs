using EbpfProxy.Datapath.Kernel;

namespace EbpfProxy.Datapath.Tests.Kernel;

public sealed class ProgramPagesTests
{
    private const string Smaps =
        """
        55fdc45e3000-55fdc4600000 r--p 00000000 fe:00 11657652                   /opt/ebpf-proxy
        Size:                116 kB
        Anonymous:             0 kB
        55fdc4600000-55fdc4e05000 r-xp 0001d000 fe:00 11657652                   /opt/ebpf-proxy
        Size:               8212 kB
        Anonymous:             0 kB
        VmFlags: rd ex mr mw me
        55fdc52ac000-55fdc55e3000 r--p 00cc9000 fe:00 11657652                   /opt/ebpf-proxy
        Anonymous:          2372 kB
        55fdc55e7000-55fdc5619000 rw-p 01003000 fe:00 11657652                   /opt/ebpf-proxy
        Anonymous:             0 kB
        7fc779639000-7fc77978f000 r-xp 00026000 fe:00 332096                     /usr/lib/libc.so.6
        Anonymous:             0 kB
        7f874d0eb000-7f8750000000 rw-s 00000000 00:10 1038                       anon_inode:bpf-map
        7fff00000000-7fff00001000 r--p 00000000 00:00 0
        Anonymous:             0 kB
        """;

    [Fact]
    public void Only_pages_that_are_as_the_file_has_them_are_let_go_of() => Assert.Equal(
        [(0x55fdc45e3000, 0x55fdc4600000), (0x55fdc4600000, 0x55fdc4e05000)],
        ProgramPages.Unchanged(Smaps.Split('\n'), "/opt/ebpf-proxy"));

    [Fact]
    public void A_process_goes_on_after_it_let_go() => ProgramPages.Release();
}
