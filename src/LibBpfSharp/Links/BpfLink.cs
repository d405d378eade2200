namespace LibBpfSharp;

/// <summary>
/// A program attached to something. Disposing the link, or the end of the process, detaches the program and so stops it seeing
/// traffic, unless the link is pinned: then it goes on until the pin is removed.
/// </summary>
public sealed unsafe partial class BpfLink : BpfDescriptor
{
    private BpfLink(int descriptor, string name)
        : base(descriptor)
    {
        Name = name;
    }

    /// <summary>The program that was attached, or the path or id that the link was opened by.</summary>
    public override string Name { get; }

    /// <summary>What the kernel says about the link now.</summary>
    public BpfLinkInfo Info
    {
        get
        {
            using var lease = new HandleLease(this);
            return BpfLinkInfo.Read(lease.Descriptor, Name);
        }
    }

    private protected override string Kind => "link";

    /// <summary>Opens the link pinned at <paramref name="path"/>.</summary>
    /// <exception cref="BpfException">Nothing is pinned there (ENOENT), or it cannot be opened.</exception>
    /// <exception cref="InvalidDataException">Something that is not a link is pinned there.</exception>
    public static BpfLink OpenPinned(string path) => new(RequirePin(path, "link"), path);

    /// <summary>Opens the link pinned at <paramref name="path"/>; null if nothing is pinned there.</summary>
    /// <inheritdoc cref="OpenPinned" path="/exception"/>
    public static BpfLink? TryOpenPinned(string path)
    {
        int descriptor = OpenPin(path, "link");
        return descriptor < 0 ? null : new BpfLink(descriptor, path);
    }

    /// <summary>Opens the link with the kernel's id <paramref name="id"/>; null if there is no such link.</summary>
    public static BpfLink? TryFromId(uint id)
    {
        int descriptor = LibBpf.bpf_link_get_fd_by_id(id);
        if (descriptor == -LibC.ENOENT)
        {
            return null;
        }

        BpfException.ThrowIfFailed(descriptor, "open link", IdName(id));
        return new BpfLink(descriptor, IdName(id));
    }

    /// <summary>
    /// Makes the link run <paramref name="program"/> instead: every event sees the old program or the new one, never neither.
    /// </summary>
    /// <param name="program">The new program, of the old one's type and attach type.</param>
    /// <param name="expected">If given, the update fails with EPERM unless the link runs this program now.</param>
    /// <exception cref="BpfException">The kernel refused it; the old program goes on.</exception>
    public void Update(BpfProgram program, BpfProgram? expected = null)
    {
        ArgumentNullException.ThrowIfNull(program);
        using var link = new HandleLease(this);
        using var next = new HandleLease(program);
        using var old = expected is null ? default : new HandleLease(expected);
        bpf_link_update_opts options = new() { sz = (nuint)sizeof(bpf_link_update_opts) };
        if (expected is not null)
        {
            options.flags = LibBpf.BPF_F_REPLACE;
            options.old_prog_fd = (uint)old.Descriptor;
        }

        BpfException.ThrowIfFailed(
            LibBpf.bpf_link_update(link.Descriptor, next.Descriptor, &options), "update link", Name, $"to program \"{program.Name}\"");
    }

    /// <summary>Detaches the program at once, even if the link is pinned. The link stays as an empty shell until it is disposed.</summary>
    /// <exception cref="BpfException">For example EOPNOTSUPP: links of this type cannot be detached, only disposed.</exception>
    public void Detach()
    {
        using var lease = new HandleLease(this);
        BpfException.ThrowIfFailed(LibBpf.bpf_link_detach(lease.Descriptor), "detach link", Name);
    }
}
