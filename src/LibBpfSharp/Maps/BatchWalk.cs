using System.Collections;

namespace LibBpfSharp;

/// <summary>How much a walk reads at once.</summary>
internal static class BatchWalk
{
    public const int DefaultSize = 1024;
}

/// <summary>
/// All elements of a hash table by batches of whole buckets, each read under its lock: what stays in the table comes exactly once.
/// Falls back to <see cref="KeyWalk{TKey, TValue}"/> on a kernel that cannot.
/// </summary>
internal sealed class BatchWalk<TKey, TValue>(BpfHashMap<TKey, TValue> map, int batchSize = BatchWalk.DefaultSize) : IEnumerable<KeyValuePair<TKey, TValue>>
    where TKey : unmanaged
    where TValue : unmanaged
{
    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator()
    {
        int size = (int)Math.Min(batchSize, map.Map.MaxEntries);
        var keys = new TKey[size];
        var values = new TValue[size];
        uint? bucket = null;
        bool isLast = false;
        while (!isLast)
        {
            int result = Read(ref bucket, keys, values, out int count);
            if (OperationSupport.IsMissing(result) && bucket is null)
            {
                foreach (var element in new KeyWalk<TKey, TValue>(map))
                {
                    yield return element;
                }

                yield break;
            }

            if (result == -LibC.ENOSPC)
            {
                // One bucket alone has more elements than fit. The place did not move.
                keys = new TKey[keys.Length * 2];
                values = new TValue[keys.Length];
                continue;
            }

            isLast = result == -LibC.ENOENT;
            if (result < 0 && !isLast)
            {
                throw new BpfException("enumerate map", map.Map.Name, -result);
            }

            for (int i = 0; i < count; i++)
            {
                yield return new KeyValuePair<TKey, TValue>(keys[i], values[i]);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private unsafe int Read(ref uint? bucket, TKey[] keys, TValue[] values, out int count)
    {
        using var lease = new HandleLease(map.Map);
        uint from = bucket.GetValueOrDefault();
        uint to = 0;
        uint length = (uint)keys.Length;
        bpf_map_batch_opts options = new() { sz = (nuint)sizeof(bpf_map_batch_opts) };
        int result;
        fixed (TKey* firstKey = keys)
        fixed (TValue* firstValue = values)
        {
            result = LibBpf.bpf_map_lookup_batch(
                lease.Descriptor, bucket is null ? null : &from, &to, firstKey, firstValue, &length, &options);
        }

        count = result is >= 0 or -LibC.ENOENT ? (int)length : 0;
        if (result >= 0)
        {
            bucket = to;
        }

        return result;
    }
}
