using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Tables;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Programs;

/// <summary>The links of the socket programs to the cgroup. They are pinned: the programs stay when this process ends.</summary>
internal sealed class SocketPrograms(BpfObject bpf, PinFolder pins, string cgroupRoot, ILogger logger) : IDisposable
{
    private readonly List<BpfLink> _links = [];

    /// <summary>Whether this build's programs are the ones that run.</summary>
    public bool AreAttached { get; private set; }

    /// <summary>Attaches the programs, or puts them in the place of those that an earlier run attached, one by one and in order.</summary>
    public void Attach()
    {
        ulong cgroupId = CgroupRoot.IdOf(cgroupRoot);
        int replaced = 0;
        foreach (var hook in SocketHook.All)
        {
            var program = bpf.GetProgram(hook.Program).Program;
            var link = BpfLink.TryOpenPinned(pins.PathOf(hook.Program));
            if (link is not null && link.Info.CgroupId == cgroupId)
            {
                link.Update(program);
                replaced++;
            }
            else
            {
                link?.Dispose();
                pins.Remove(hook.Program);
                link = BpfLink.AttachCgroup(program, cgroupRoot, hook.AttachType);
                link.Pin(pins.PathOf(hook.Program));
            }

            _links.Add(link);
        }

        AreAttached = true;
        Log.Attached(logger, SocketHook.All.Count - replaced, replaced, cgroupRoot);
    }

    public void Dispose() => _links.ForEach(link => link.Dispose());
}
