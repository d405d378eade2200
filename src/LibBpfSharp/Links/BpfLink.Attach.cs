using System.Globalization;
using System.Runtime.InteropServices;

namespace LibBpfSharp;

public sealed unsafe partial class BpfLink
{
    /// <summary>Attaches <paramref name="program"/> to a cgroup and all below it, beside the programs that are there.</summary>
    /// <param name="program">A program of a cgroup type.</param>
    /// <param name="cgroupPath">The cgroup's folder in a cgroup v2 mount.</param>
    /// <param name="attachType">Where; only needed if <see cref="BpfProgram.AttachType"/> is null.</param>
    /// <exception cref="ArgumentException">Where the program is to be attached is known neither from it nor from the caller.</exception>
    /// <exception cref="BpfException">The folder cannot be opened or is no cgroup (EBADF), or the kernel refused.</exception>
    public static BpfLink AttachCgroup(BpfProgram program, string cgroupPath, BpfAttachType? attachType = null)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentException.ThrowIfNullOrEmpty(cgroupPath);
        var type = attachType ?? program.AttachType
            ?? throw new ArgumentException($"program \"{program.Name}\" does not say where it attaches", nameof(attachType));
        string operation = $"attach {AttachTypeText.Of(type)}";
        int cgroup = LibC.open(cgroupPath, LibC.O_RDONLY | LibC.O_CLOEXEC);
        if (cgroup < 0)
        {
            throw new BpfException(operation, program.Name, Marshal.GetLastPInvokeError(), $"to {cgroupPath}");
        }

        try
        {
            bpf_link_create_opts options = new() { sz = (nuint)sizeof(bpf_link_create_opts) };
            int descriptor = Create(program, cgroup, type, &options);
            BpfException.ThrowIfFailed(descriptor, operation, program.Name, $"to {cgroupPath}");
            return new BpfLink(descriptor, program.Name);
        }
        finally
        {
            _ = LibC.close(cgroup);
        }
    }

    /// <summary>Attaches <paramref name="program"/> to a device by tcx, beside the programs that are there.</summary>
    /// <exception cref="BpfNotSupportedException">The kernel has no tcx (before 6.6); <see cref="BpfTrafficControl"/> works there.</exception>
    /// <exception cref="BpfException">The kernel refused it, for example ENODEV.</exception>
    public static BpfLink AttachTcx(BpfProgram program, TcxAttachOptions options)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.InterfaceIndex);
        var type = options.Direction switch
        {
            TrafficDirection.Ingress => BpfAttachType.TcxIngress,
            TrafficDirection.Egress => BpfAttachType.TcxEgress,
        };

        // libbpf before 1.3 knows no tcx and passes on the flags alone, which is all that first and last need.
        bpf_link_create_opts native = new()
        {
            sz = (nuint)sizeof(bpf_link_create_opts),
            flags = options.Position switch
            {
                TcxPosition.First => LibBpf.BPF_F_BEFORE,
                TcxPosition.Last => LibBpf.BPF_F_AFTER,
            },
        };
        int descriptor = Create(program, options.InterfaceIndex, type, &native);
        if (descriptor >= 0)
        {
            return new BpfLink(descriptor, program.Name);
        }

        string operation = $"attach {AttachTypeText.Of(type)}";
        string target = Device(options.InterfaceIndex);
        if (descriptor == -LibC.EINVAL && BpfProbe.Tcx == BpfFeature.NotSupported)
        {
            throw new BpfNotSupportedException("tcx links", "6.6", operation, program.Name, -descriptor, target);
        }

        throw new BpfException(operation, program.Name, -descriptor, target);
    }

    /// <summary>Attaches <paramref name="program"/> to a device by XDP. A device has room for one program in each mode.</summary>
    /// <exception cref="BpfException">
    /// The kernel refused it: EBUSY if there is a program already, EOPNOTSUPP if the driver cannot do the mode.
    /// </exception>
    public static BpfLink AttachXdp(BpfProgram program, XdpAttachOptions options)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.InterfaceIndex);
        bpf_link_create_opts native = new() { sz = (nuint)sizeof(bpf_link_create_opts), flags = (uint)options.Mode };
        int descriptor = Create(program, options.InterfaceIndex, BpfAttachType.Xdp, &native);
        BpfException.ThrowIfFailed(
            descriptor, $"attach {AttachTypeText.Of(BpfAttachType.Xdp)}", program.Name, Device(options.InterfaceIndex));
        return new BpfLink(descriptor, program.Name);
    }

    private static int Create(BpfProgram program, int target, BpfAttachType type, bpf_link_create_opts* options)
    {
        using var lease = new HandleLease(program);
        return LibBpf.bpf_link_create(lease.Descriptor, target, (bpf_attach_type)type, options);
    }

    private static string Device(int index) => string.Create(CultureInfo.InvariantCulture, $"to device {index}");
}
