using System.Globalization;

namespace LibBpfSharp;

/// <summary>
/// Programs at a device by clsact, the way of kernels without tcx. There is no link: what is attached stays until it is detached
/// or the device goes, whatever happens to the process.
/// </summary>
public static unsafe class BpfTrafficControl
{
    /// <summary>Gives the device a clsact qdisc. Returns whether there was none before.</summary>
    /// <exception cref="BpfException">The kernel refused it, for example because the device has an ingress qdisc (EINVAL or EEXIST).</exception>
    public static bool EnsureClsact(int interfaceIndex)
    {
        var hook = Hook(interfaceIndex, bpf_tc_attach_point.BPF_TC_INGRESS | bpf_tc_attach_point.BPF_TC_EGRESS);
        using var quiet = LibBpfLog.CaptureWarnings();
        int result = LibBpf.bpf_tc_hook_create(&hook);
        if (result == -LibC.EEXIST)
        {
            return false;
        }

        BpfException.ThrowIfFailed(result, "create qdisc", "clsact", $"on {Device(interfaceIndex)}");
        return true;
    }

    /// <summary>Removes the device's clsact qdisc and every program in it, whoever attached it.</summary>
    /// <exception cref="BpfException">The kernel refused it, for example because there is none.</exception>
    public static void RemoveClsact(int interfaceIndex)
    {
        var hook = Hook(interfaceIndex, bpf_tc_attach_point.BPF_TC_INGRESS | bpf_tc_attach_point.BPF_TC_EGRESS);
        using var quiet = LibBpfLog.CaptureWarnings();
        BpfException.ThrowIfFailed(LibBpf.bpf_tc_hook_destroy(&hook), "remove qdisc", "clsact", $"of {Device(interfaceIndex)}");
    }

    /// <summary>Attaches <paramref name="program"/> as a direct-action filter of the clsact qdisc, which must be there.</summary>
    /// <returns>The filter, with the handle and priority that the kernel chose if the options left them open.</returns>
    /// <exception cref="BpfException">The kernel refused it; EEXIST if the place is taken and may not be replaced.</exception>
    public static TrafficControlFilter Attach(BpfProgram program, TrafficControlAttachOptions options)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(options);
        var hook = Hook(options.InterfaceIndex, Point(options.Direction));
        using var lease = new HandleLease(program);
        using var warnings = LibBpfLog.CaptureWarnings();
        bpf_tc_opts native = new()
        {
            sz = (nuint)sizeof(bpf_tc_opts),
            prog_fd = lease.Descriptor,
            flags = options.Replace ? (uint)bpf_tc_flags.BPF_TC_F_REPLACE : 0,
            handle = options.Handle,
            priority = options.Priority,
        };
        int result = LibBpf.bpf_tc_attach(&hook, &native);
        if (result < 0)
        {
            throw new BpfException(
                $"attach clsact {Word(options.Direction)}", program.Name, -result, $"to {Device(options.InterfaceIndex)}", warnings.Text);
        }

        return new TrafficControlFilter(options.InterfaceIndex, options.Direction, native.handle, native.priority, native.prog_id);
    }

    /// <summary>Removes a filter.</summary>
    /// <exception cref="BpfException">The kernel refused it; ENOENT if there is no such filter.</exception>
    public static void Detach(TrafficControlFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var hook = Hook(filter.InterfaceIndex, Point(filter.Direction));
        using var quiet = LibBpfLog.CaptureWarnings();
        bpf_tc_opts native = new() { sz = (nuint)sizeof(bpf_tc_opts), handle = filter.Handle, priority = filter.Priority };
        BpfException.ThrowIfFailed(
            LibBpf.bpf_tc_detach(&hook, &native), "detach clsact filter", filter.ToString(), $"from {Device(filter.InterfaceIndex)}");
    }

    /// <summary>The filter at a place; null if there is none.</summary>
    /// <exception cref="BpfException">The kernel refused to tell.</exception>
    public static TrafficControlFilter? Query(int interfaceIndex, TrafficDirection direction, uint handle, uint priority)
    {
        var hook = Hook(interfaceIndex, Point(direction));
        using var quiet = LibBpfLog.CaptureWarnings();
        bpf_tc_opts native = new() { sz = (nuint)sizeof(bpf_tc_opts), handle = handle, priority = priority };
        int result = LibBpf.bpf_tc_query(&hook, &native);

        // A device without the qdisc answers EINVAL, as the kernel cannot tell a missing parent from a wrong one.
        if (result is -LibC.ENOENT or -LibC.EINVAL)
        {
            return null;
        }

        BpfException.ThrowIfFailed(result, "query clsact", Word(direction), $"of {Device(interfaceIndex)}");
        return new TrafficControlFilter(interfaceIndex, direction, native.handle, native.priority, native.prog_id);
    }

    private static bpf_tc_hook Hook(int interfaceIndex, bpf_tc_attach_point point)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(interfaceIndex);
        return new bpf_tc_hook { sz = (nuint)sizeof(bpf_tc_hook), ifindex = interfaceIndex, attach_point = point };
    }

    private static bpf_tc_attach_point Point(TrafficDirection direction) => direction switch
    {
        TrafficDirection.Ingress => bpf_tc_attach_point.BPF_TC_INGRESS,
        TrafficDirection.Egress => bpf_tc_attach_point.BPF_TC_EGRESS,
    };

    private static string Word(TrafficDirection direction) => direction switch
    {
        TrafficDirection.Ingress => "ingress",
        TrafficDirection.Egress => "egress",
    };

    private static string Device(int index) => string.Create(CultureInfo.InvariantCulture, $"device {index}");
}
