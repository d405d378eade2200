using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.View;

public sealed class DaemonNotesTests : IDisposable
{
    private readonly ScratchBpffs _bpffs = new();

    public void Dispose() => _bpffs.Dispose();

    [KernelFact]
    public void The_last_note_is_read_until_cleanup_removes_it()
    {
        Directory.CreateDirectory(DatapathOptions.PinRootOf(_bpffs.Path));
        Assert.Null(DaemonNotes.Read(_bpffs.Path));

        string longest = new('x', DaemonNotes.MaxLength);
        DaemonNotes.Write(_bpffs.Path, longest);
        Assert.Equal(longest, DaemonNotes.Read(_bpffs.Path));

        DaemonNotes.Write(_bpffs.Path, "{\"node\":\"a/b\"}");
        Assert.Equal("{\"node\":\"a/b\"}", DaemonNotes.Read(_bpffs.Path));

        Assert.True(DatapathState.Remove(_bpffs.Path));
        Assert.Null(DaemonNotes.Read(_bpffs.Path));
        Assert.False(Directory.Exists(DatapathOptions.PinRootOf(_bpffs.Path)));
    }

    [KernelFact]
    public void A_write_that_was_cut_off_does_not_hinder_the_next()
    {
        Directory.CreateDirectory(DatapathOptions.PinRootOf(_bpffs.Path));
        File.CreateSymbolicLink(Path.Combine(DatapathOptions.PinRootOf(_bpffs.Path), "daemon-next"), "half");

        DaemonNotes.Write(_bpffs.Path, "whole");

        Assert.Equal("whole", DaemonNotes.Read(_bpffs.Path));
        DatapathState.Remove(_bpffs.Path);
    }
}
