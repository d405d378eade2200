using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>A queue map of the programs, as the controller uses it.</summary>
internal static unsafe class KernelQueue
{
    public static void Push<T>(BpfMap queue, T value)
        where T : unmanaged
    {
        if (LibBpf.bpf_map_update_elem((int)queue.DangerousGetHandle(), null, &value, 0) < 0)
        {
            throw new InvalidOperationException($"{queue.Name} is full");
        }
    }

    public static void Clear<T>(BpfMap queue)
        where T : unmanaged
    {
        T value;
        while (LibBpf.bpf_map_lookup_and_delete_elem((int)queue.DangerousGetHandle(), null, &value) >= 0)
        {
        }
    }
}
