using System.Runtime.CompilerServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.View;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.KubeProxy;

/// <summary>When kube-proxy has the new connections.</summary>
public sealed class HandbackTests : IDisposable
{
    private readonly ScratchBpffs _bpffs = new();

    public void Dispose() => _bpffs.Dispose();

    /// <summary>The first container made the folder, or a first daemon was ended before it had any connections.</summary>
    [KernelFact]
    public void It_is_not_done_where_there_is_nothing_yet_to_hand_back()
    {
        Directory.CreateDirectory(DatapathOptions.PinRootOf(_bpffs.Path));

        Assert.True(Handback.IsThere(_bpffs.Path));
        Assert.False(Handback.IsDone(_bpffs.Path));
        DatapathState.Remove(_bpffs.Path);
    }

    [KernelFact]
    public void It_is_done_when_packets_are_left_alone_and_nothing_chooses_for_sockets()
    {
        string root = DatapathOptions.PinRootOf(_bpffs.Path);
        string chooser = Path.Combine(root, "links", "proxy_connect4");
        using var states = BpfMap.Create(new BpfMapOptions
        {
            Name = "states",
            Type = BpfMapType.Array,
            KeySize = 4,
            ValueSize = (uint)Unsafe.SizeOf<PathState>(),
            MaxEntries = 1,
            Flags = BpfMapFlags.MemoryMappable,
        });
        Directory.CreateDirectory(Path.Combine(root, "connections-v2"));
        Directory.CreateDirectory(Path.Combine(root, "links"));
        states.Pin(Path.Combine(root, "connections-v2", TableNames.PathStates));
        states.Pin(chooser);
        Assert.False(Handback.IsDone(_bpffs.Path));

        File.Delete(chooser);
        Assert.False(Handback.IsDone(_bpffs.Path));

        Handback.Do(_bpffs.Path);
        Assert.True(Handback.IsDone(_bpffs.Path));

        states.Pin(chooser);
        Assert.False(Handback.IsDone(_bpffs.Path));
        DatapathState.Remove(_bpffs.Path);
    }
}
