using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Tables;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Programs;

/// <summary>The links of the socket programs to the cgroup. They are pinned: the programs stay when this process ends.</summary>
internal sealed class SocketPrograms(BpfObject bpf, PinFolder pins, string cgroupRoot, bool reservesNodePorts, ILogger logger) : IDisposable
{
    private readonly List<BpfLink> _links = [];

    /// <summary>Whether this build's programs are the ones that run.</summary>
    public bool AreAttached { get; private set; }

    /// <summary>Attaches the programs, or puts them in the place of those that an earlier run attached, one by one and in order.</summary>
    public void Attach()
    {
        ulong cgroupId = CgroupRoot.IdOf(cgroupRoot);
        int replaced = 0;
        var hooks = SocketHook.With(reservesNodePorts);
        foreach (var hook in hooks)
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

        // What an earlier run attached and this one shall not have: with its pin the last that holds the link goes.
        foreach (var hook in SocketHook.Guards.Except(hooks))
        {
            pins.Remove(hook.Program);
        }

        AreAttached = true;
        Log.Attached(logger, hooks.Count - replaced, replaced, cgroupRoot);
    }

    public void Dispose() => _links.ForEach(link => link.Dispose());
}
