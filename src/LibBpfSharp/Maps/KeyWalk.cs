using System.Collections;
using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>
/// All elements of a map from key to next key. When the key it stands on is removed, the kernel begins again at the first one: keys
/// that were seen are passed over then.
/// </summary>
internal sealed class KeyWalk<TKey, TValue>(BpfHashMap<TKey, TValue> map) : IEnumerable<KeyValuePair<TKey, TValue>>
    where TKey : unmanaged
    where TValue : unmanaged
{
    // Each new beginning takes a removal at the very place of the walk; this many of them mean that it would never end.
    private const long PassesAllowed = 100;

    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator()
    {
        var seen = new HashSet<TKey>(BytesComparer.Instance);
        TKey? current = null;
        long stepsLeft = PassesAllowed * (map.Map.MaxEntries + 1L);
        while (Next(current) is { } next)
        {
            if (stepsLeft-- == 0)
            {
                throw new BpfException("enumerate map", map.Map.Name, LibC.EAGAIN, details: "elements are removed faster than they can be read");
            }

            if (seen.Add(next) && TryRead(next, out var value))
            {
                yield return new KeyValuePair<TKey, TValue>(next, value);
            }

            current = next;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private bool TryRead(TKey key, out TValue value) => map.TryGet(in key, out value);

    private unsafe TKey? Next(TKey? current)
    {
        using var lease = new HandleLease(map.Map);
        var from = current.GetValueOrDefault();
        TKey next;
        int result = LibBpf.bpf_map_get_next_key(lease.Descriptor, current is null ? null : &from, &next);
        if (result == -LibC.ENOENT)
        {
            return null;
        }

        BpfException.ThrowIfFailed(result, "enumerate map", map.Map.Name);
        return next;
    }

    // Keys are bytes to the kernel; a key type need not have an equality of its own.
    private sealed class BytesComparer : IEqualityComparer<TKey>
    {
        public static readonly BytesComparer Instance = new();

        public bool Equals(TKey x, TKey y) => Bytes(ref x).SequenceEqual(Bytes(ref y));

        public int GetHashCode(TKey key)
        {
            var hash = default(HashCode);
            hash.AddBytes(Bytes(ref key));
            return hash.ToHashCode();
        }

        private static ReadOnlySpan<byte> Bytes(ref TKey key) => MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref key, 1));
    }
}
