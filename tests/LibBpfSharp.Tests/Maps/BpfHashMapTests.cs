using System.Runtime.InteropServices;
using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Maps;

public sealed class BpfHashMapTests
{
    [KernelFact]
    public void An_element_is_put_in_replaced_looked_up_and_removed()
    {
        using var map = Create(BpfMapType.Hash, 4);
        var view = new BpfHashMap<uint, ulong>(map);

        view.Update(7, 70);
        view.Update(7, 71);

        Assert.True(view.TryGet(7, out ulong value));
        Assert.Equal(71ul, value);
        Assert.True(view.TryDelete(7));
        Assert.False(view.TryGet(7, out value));
        Assert.Equal(0ul, value);
        Assert.False(view.TryDelete(7));
        Assert.Equal(LibC.ENOENT, Assert.Throws<BpfException>(() => view.Delete(7)).Errno);
    }

    [KernelFact]
    public void An_element_that_is_taken_is_read_and_gone()
    {
        using var map = Create(BpfMapType.Hash, 4);
        var view = new BpfHashMap<uint, ulong>(map);
        view.Update(7, 70);

        Assert.True(view.TryTake(7, out ulong value));
        Assert.Equal(70ul, value);
        Assert.False(view.TryGet(7, out _));
        Assert.False(view.TryTake(7, out value));
        Assert.Equal(0ul, value);
    }

    /// <summary>Tries cannot: there it is two steps, as with hash tables before 5.14.</summary>
    [KernelFact]
    public void An_element_is_taken_in_two_steps_where_the_kernel_has_not_one()
    {
        using var map = BpfMap.Create(new BpfMapOptions
        {
            Type = BpfMapType.LpmTrie,
            Name = "test_trie",
            KeySize = 8,
            ValueSize = 8,
            MaxEntries = 4,
            Flags = BpfMapFlags.NoPreallocation,
        });
        var view = new BpfHashMap<ulong, ulong>(map);
        view.Update(32, 70);

        Assert.True(view.TryTake(32, out ulong value));
        Assert.Equal(70ul, value);
        Assert.False(view.TryTake(32, out _));
    }

    [KernelFact]
    public void The_mode_of_an_update_holds()
    {
        using var map = Create(BpfMapType.Hash, 4);
        var view = new BpfHashMap<uint, ulong>(map);

        Assert.Equal(LibC.ENOENT, Assert.Throws<BpfException>(() => view.Update(1, 1, BpfUpdateMode.Exist)).Errno);
        Assert.True(view.TryAdd(1, 1));
        Assert.False(view.TryAdd(1, 2));
        Assert.Equal(LibC.EEXIST, Assert.Throws<BpfException>(() => view.Update(1, 2, BpfUpdateMode.NoExist)).Errno);
    }

    [KernelFact]
    public void A_full_map_says_so()
    {
        using var map = Create(BpfMapType.Hash, 1);
        var view = new BpfHashMap<uint, ulong>(map);
        view.Update(1, 1);

        var failure = Assert.Throws<BpfException>(() => view.Update(2, 2));

        Assert.Equal("update map \"test_map\": E2BIG (Argument list too long)", failure.Message);
    }

    [KernelFact]
    public void A_miss_allocates_nothing()
    {
        using var map = Create(BpfMapType.Hash, 1);
        var view = new BpfHashMap<uint, ulong>(map);
        _ = view.TryGet(1, out _) || view.TryDelete(1);

        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isFound = view.TryGet(1, out _) || view.TryDelete(1);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.False(isFound);
        Assert.Equal(0, allocated);
    }

    [KernelFact]
    public void Batches_put_in_enumerate_and_remove_everything()
    {
        const int Count = 5000;
        using var map = Create(BpfMapType.Hash, Count);
        var view = new BpfHashMap<uint, ulong>(map);
        uint[] keys = [.. Enumerable.Range(0, Count).Select(i => (uint)i)];
        ulong[] values = [.. keys.Select(key => key * 3ul)];

        view.UpdateBatch(keys, values);
        var all = view.Enumerate().ToDictionary();
        int deleted = view.DeleteBatch(keys);

        Assert.Equal(Count, all.Count);
        Assert.All(all, element => Assert.Equal(element.Key * 3ul, element.Value));
        Assert.Equal(Count, deleted);
        Assert.Empty(view.Enumerate());
    }

    [KernelFact]
    public void A_batch_that_stops_tells_how_far_it_came()
    {
        using var map = Create(BpfMapType.Hash, 2);
        var view = new BpfHashMap<uint, ulong>(map);

        var failure = Assert.Throws<BpfBatchException>(() => view.UpdateBatch([1, 2, 3, 4], [1, 2, 3, 4]));

        Assert.Equal((2, LibC.E2BIG), (failure.Completed, failure.Errno));
        Assert.Equal([1u, 2u], view.Enumerate().Select(element => element.Key).Order());
    }

    [KernelTheory]
    [InlineData(new uint[] { 9, 1, 2 })]
    [InlineData(new uint[] { 1, 9, 8, 2 })]
    [InlineData(new uint[] { 1, 2, 9 })]
    public void A_batch_of_deletes_passes_over_keys_without_elements(uint[] keys)
    {
        using var map = Create(BpfMapType.Hash, 4);
        var view = new BpfHashMap<uint, ulong>(map);
        view.UpdateBatch([1, 2, 3], [1, 2, 3]);

        int deleted = view.DeleteBatch(keys);

        Assert.Equal(2, deleted);
        Assert.Equal([3u], view.Enumerate().Select(element => element.Key));
    }

    [KernelFact]
    public void Enumeration_grows_for_a_bucket_that_is_larger_than_a_batch()
    {
        using var map = Create(BpfMapType.Hash, 8);
        var view = new BpfHashMap<uint, ulong>(map);
        uint[] keys = [.. Enumerable.Range(0, 8).Select(i => (uint)i)];
        view.UpdateBatch(keys, [.. keys.Select(key => (ulong)key)]);

        var all = new BatchWalk<uint, ulong>(view, batchSize: 1).Select(element => element.Key);

        Assert.Equal(keys, all.Order());
    }

    [KernelFact]
    public void What_stays_in_the_map_is_enumerated_once_while_the_rest_changes()
    {
        const uint Stable = 2000;
        using var map = Create(BpfMapType.Hash, 8000);
        var view = new BpfHashMap<uint, ulong>(map);
        uint[] keys = [.. Enumerable.Range(0, (int)Stable).Select(i => (uint)i)];
        view.UpdateBatch(keys, [.. keys.Select(key => (ulong)key)]);
        using var stop = new CancellationTokenSource();
        var churn = Task.Run(() => Churn(view, stop.Token), TestContext.Current.CancellationToken);

        for (int round = 0; round < 20; round++)
        {
            Assert.Equal(keys, view.Enumerate().Select(element => element.Key).Where(key => key < Stable).Order());
        }

        stop.Cancel();
        churn.GetAwaiter().GetResult();
    }

    [KernelFact]
    public void A_walk_by_keys_gives_each_element_once_though_the_one_it_stands_on_is_removed()
    {
        using var map = Create(BpfMapType.Hash, 64);
        var view = new BpfHashMap<uint, ulong>(map);
        uint[] keys = [.. Enumerable.Range(0, 64).Select(i => (uint)i)];
        view.UpdateBatch(keys, [.. keys.Select(key => (ulong)key)]);

        var seen = new List<uint>();
        foreach (var element in new KeyWalk<uint, ulong>(view).Take(2 * keys.Length))
        {
            seen.Add(element.Key);
            if (seen.Count % 8 == 0)
            {
                view.Delete(element.Key);
            }
        }

        Assert.Equal(keys, seen.Order());
    }

    [KernelFact]
    public void A_trie_answers_with_the_longest_prefix()
    {
        using var map = BpfMap.Create(new BpfMapOptions
        {
            Type = BpfMapType.LpmTrie,
            KeySize = 8,
            ValueSize = 4,
            MaxEntries = 8,
            Flags = BpfMapFlags.NoPreallocation,
        });
        var view = new BpfHashMap<Prefix, uint>(map);
        view.UpdateBatch([new Prefix(8, 10, 0, 0, 0), new Prefix(16, 10, 1, 0, 0)], [8, 16]);

        Assert.True(view.TryGet(new Prefix(32, 10, 1, 2, 3), out uint length));
        Assert.Equal(16u, length);
        Assert.False(view.TryGet(new Prefix(32, 11, 1, 2, 3), out _));
        Assert.Equal([8u, 16u], view.Enumerate().Select(element => element.Value).Order());
        Assert.Equal(1, view.DeleteBatch([new Prefix(8, 10, 0, 0, 0), new Prefix(24, 10, 0, 0, 0)]));
    }

    [KernelFact]
    public void A_key_or_value_of_another_size_is_refused_once_and_clearly()
    {
        using var map = Create(BpfMapType.Hash, 1);

        var key = Assert.Throws<InvalidDataException>(() => new BpfHashMap<ulong, ulong>(map));
        var value = Assert.Throws<InvalidDataException>(() => new BpfHashMap<uint, uint>(map));
        var type = Assert.Throws<InvalidDataException>(() => new BpfArrayMap<ulong>(map));

        Assert.StartsWith("map \"test_map\" has keys of 4 bytes, but the type that stands for them has 8", key.Message, StringComparison.Ordinal);
        Assert.StartsWith("map \"test_map\" has values of 8 bytes, but the type that stands for them has 4", value.Message, StringComparison.Ordinal);
        Assert.StartsWith("map \"test_map\" is of type Hash, not Array", type.Message, StringComparison.Ordinal);
    }

    private static BpfMap Create(BpfMapType type, uint maxEntries)
        => BpfMap.Create(new BpfMapOptions { Type = type, Name = "test_map", KeySize = 4, ValueSize = 8, MaxEntries = maxEntries });

    private static void Churn(BpfHashMap<uint, ulong> view, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            for (uint key = 2000; key < 6000; key++)
            {
                view.Update(key, key);
            }

            for (uint key = 2000; key < 6000; key++)
            {
                view.Delete(key);
            }
        }
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly record struct Prefix(uint Length, byte A, byte B, byte C, byte D);
}
