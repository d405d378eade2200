using System.Diagnostics;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Tables;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Programs;

/// <summary>The links of the socket programs to the cgroup. They are pinned: the programs stay when this process ends.</summary>
internal sealed class SocketPrograms(BpfObject bpf, PinFolder pins, string cgroupRoot, SocketOptions options, ILogger logger) : IDisposable
{
    private const int KernelNameLength = 15;
    private const int RetryMilliseconds = 20;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly List<BpfLink> _links = [];

    /// <summary>Whether this build's programs are the ones that run.</summary>
    public bool AreAttached { get; private set; }

    /// <summary>Whether a counter is attached that is not wanted any more; see <see cref="RemoveEnding"/>.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>This build's programs.</summary>
    public IEnumerable<BpfProgram> All => SocketHook.With(options).Select(hook => bpf.GetProgram(hook.Program).Program);

    /// <summary>
    /// Refuses a cgroup that another daemon's programs are on: its pins are in another BPF file system, so that nothing else
    /// would keep the two apart, and every socket would be translated twice. Waits for a moment, because the kernel
    /// detaches a little after the last pin is removed.
    /// </summary>
    /// <exception cref="IOException">There are such programs.</exception>
    public void RefuseOthers()
    {
        var patience = Stopwatch.StartNew();
        while (FindOthers() is { Count: > 0 } others)
        {
            if (patience.Elapsed > _patience)
            {
                throw new IOException(
                    $"{cgroupRoot} has programs of another ebpf-proxy ({string.Join(", ", others)}), which are not pinned in {pins.Path}: stop the " +
                    "one that runs with another --bpffs and remove its programs (ebpf-proxy cleanup --bpffs DIR), or use another --cgroup-root");
            }

            Thread.Sleep(RetryMilliseconds);
        }
    }

    /// <summary>Attaches the programs, or puts them in the place of those that an earlier run attached, one by one and in order.</summary>
    /// <param name="beforeFirstChoice">
    /// Called where an earlier run left none that chooses backends: when all is attached that undoes a translation or
    /// cleans up after one, and nothing is translated yet.
    /// </param>
    public void Attach(Action beforeFirstChoice)
    {
        try
        {
            AttachAll(beforeFirstChoice);
        }
        catch
        {
            // Their pins keep them. The next try opens them again.
            Close();
            throw;
        }
    }

    /// <summary>
    /// Takes away the counter that is not wanted any more. To be called when no record is left that goes at the end of its
    /// connection.
    /// </summary>
    public void RemoveEnding()
    {
        foreach (var hook in SocketHook.Counters)
        {
            pins.Remove(hook.EndingPin);
        }

        IsEnding = false;
    }

    public void Dispose() => Close();

    private void AttachAll(Action beforeFirstChoice)
    {
        ulong cgroupId = CgroupRoot.IdOf(cgroupRoot);
        int replaced = 0;
        var hooks = SocketHook.With(options);
        bool isFirst = !hooks.Any(hook => !hook.IsUndoing && File.Exists(pins.PathOf(hook.Program)));
        foreach (var hook in SocketHook.Counters.Intersect(hooks))
        {
            TakeBack(hook);
        }

        foreach (var hook in hooks)
        {
            if (isFirst && !hook.IsUndoing)
            {
                beforeFirstChoice();
                isFirst = false;
            }

            var program = bpf.GetProgram(hook.Program).Program;
            if (TryReplace(hook, program, cgroupId))
            {
                replaced++;
            }
            else
            {
                AttachAnew(hook, program);
            }
        }

        // What an earlier run attached and this one shall not have: with its pin the last that holds the link goes.
        foreach (var hook in SocketHook.Guards.Except(hooks))
        {
            pins.Remove(hook.Program);
        }

        foreach (var hook in SocketHook.Counters.Except(hooks))
        {
            LetEnd(hook);
        }

        AreAttached = true;
        Log.Attached(logger, hooks.Count - replaced, replaced, cgroupRoot);
    }

    /// <summary>A counter is wanted again that has not ended yet.</summary>
    private void TakeBack(SocketHook hook)
    {
        if (pins.Has(hook.EndingPin))
        {
            File.Move(pins.PathOf(hook.EndingPin), pins.PathOf(hook.Program), overwrite: true);
        }
    }

    /// <summary>Keeps a counter that is not wanted for those whose end it shall hear of, and puts this build's in its place.</summary>
    private void LetEnd(SocketHook hook)
    {
        if (pins.Has(hook.Program))
        {
            File.Move(pins.PathOf(hook.Program), pins.PathOf(hook.EndingPin), overwrite: true);
        }

        using var link = BpfLink.TryOpenPinned(pins.PathOf(hook.EndingPin));
        if (link is not null)
        {
            link.Update(bpf.GetProgram(hook.Program).Program);
            IsEnding = true;
        }
    }

    private void Close()
    {
        _links.ForEach(link => link.Dispose());
        _links.Clear();
    }

    private List<string> FindOthers()
    {
        var others = new List<string>();
        foreach (var hook in SocketHook.All)
        {
            string name = hook.Program[..Math.Min(hook.Program.Length, KernelNameLength)];
            var ids = BpfCgroup.QueryPrograms(cgroupRoot, hook.AttachType);
            if (ids.Count == 0)
            {
                continue;
            }

            using var link = BpfLink.TryOpenPinned(pins.PathOf(hook.Program));
            uint? own = link?.Info.ProgramId;
            foreach (uint id in ids.Where(id => id != own))
            {
                using var program = BpfProgram.TryFromId(id);
                if (program?.Name == name)
                {
                    others.Add($"{name}, id {id}");
                }
            }
        }

        return others;
    }

    private bool TryReplace(SocketHook hook, BpfProgram program, ulong cgroupId)
    {
        var link = BpfLink.TryOpenPinned(pins.PathOf(hook.Program));
        try
        {
            if (link is null || link.Info.CgroupId != cgroupId)
            {
                link?.Dispose();
                return false;
            }

            link.Update(program);
            _links.Add(link);
            return true;
        }
        catch
        {
            link?.Dispose();
            throw;
        }
    }

    private void AttachAnew(SocketHook hook, BpfProgram program)
    {
        pins.Remove(hook.Program);
        var link = BpfLink.AttachCgroup(program, cgroupRoot, hook.AttachType);
        try
        {
            link.Pin(pins.PathOf(hook.Program));
            _links.Add(link);
        }
        catch
        {
            // Without a pin the next try would not find it, and attach a second one beside it.
            link.Dispose();
            throw;
        }
    }
}
