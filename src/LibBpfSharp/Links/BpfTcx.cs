using System.Globalization;

namespace LibBpfSharp;

/// <summary>What is attached to a device by tcx, whoever attached it.</summary>
public static unsafe class BpfTcx
{
    private const int MostPrograms = 64;

    /// <summary>The kernel's ids of the programs, in the order in which packets meet them; empty where the kernel has no tcx.</summary>
    /// <exception cref="BpfException">The kernel refused it, for example because there is no such device.</exception>
    public static IReadOnlyList<uint> ReadProgramIds(int interfaceIndex, TrafficDirection direction)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(interfaceIndex);
        var type = direction switch
        {
            TrafficDirection.Ingress => BpfAttachType.TcxIngress,
            TrafficDirection.Egress => BpfAttachType.TcxEgress,
        };
        uint[] ids = new uint[MostPrograms];
        uint count = (uint)ids.Length;
        uint flags;
        int result;
        fixed (uint* first = ids)
        {
            result = LibBpf.bpf_prog_query(interfaceIndex, (bpf_attach_type)type, 0, &flags, first, &count);
        }

        if (result == -LibC.EINVAL && BpfProbe.Tcx == BpfFeature.NotSupported)
        {
            return [];
        }

        BpfException.ThrowIfFailed(
            result,
            $"query {AttachTypeText.Of(type)}",
            "programs",
            string.Create(CultureInfo.InvariantCulture, $"of device {interfaceIndex}"));
        return ids[..(int)count];
    }
}
