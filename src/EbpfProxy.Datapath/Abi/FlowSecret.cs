using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>
/// Mirrors <c>struct flow_secret</c>: what the digests of flows are keyed with, so that nobody outside can choose flows that have
/// one place.
/// </summary>
[InlineArray(Words)]
internal struct FlowSecret
{
    // Of struct flow_key.
    private const int Words = 10;

    private uint _first;

    /// <summary>One that nobody knows. From the kernel itself: the library's generator wants OpenSSL, which a node need not have.</summary>
    /// <exception cref="IOException">There is no <c>/dev/urandom</c>.</exception>
    public static FlowSecret New()
    {
        FlowSecret secret = default;
        using var random = File.OpenRead("/dev/urandom");
        random.ReadExactly(MemoryMarshal.AsBytes((Span<uint>)secret));
        return secret;
    }

    /// <summary><c>flow_digest()</c> of bpf/packet/flow_row.h.</summary>
    public readonly ulong DigestOf(in FlowKey key)
    {
        var words = MemoryMarshal.Cast<FlowKey, uint>(new ReadOnlySpan<FlowKey>(in key));
        ulong digest = 0;
        for (int i = 0; i < Words; i += 2)
        {
            digest += (ulong)(words[i] + this[i]) * (words[i + 1] + this[i + 1]);
        }

        digest ^= digest >> 33;
        digest *= 0xff51afd7ed558ccd;
        digest ^= digest >> 33;
        digest *= 0xc4ceb9fe1a85ec53;
        return digest ^ (digest >> 33);
    }
}
