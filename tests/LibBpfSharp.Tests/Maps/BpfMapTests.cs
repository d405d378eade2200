using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Maps;

public sealed class BpfMapTests
{
    [KernelFact]
    public void A_map_tells_what_it_was_created_with()
    {
        using var map = Create(BpfMapFlags.NoPreallocation);

        Assert.Equal(
            (BpfMapType.Hash, 4u, 8u, 16u, BpfMapFlags.NoPreallocation, "test_map"),
            (map.Type, map.KeySize, map.ValueSize, map.MaxEntries, map.Flags, map.Name));
        using var again = BpfMap.FromId(map.Id);
        Assert.Equal(map.Id, again.Id);
    }

    [KernelFact]
    public void What_the_kernel_refuses_to_create_is_named()
    {
        var failure = Assert.Throws<BpfException>(() => BpfMap.Create(new BpfMapOptions
        {
            Type = BpfMapType.Array,
            Name = "bad_array",
            KeySize = 8,
            ValueSize = 8,
            MaxEntries = 1,
        }));

        Assert.Equal("create Array map \"bad_array\": EINVAL (Invalid argument)", failure.Message);
    }

    [KernelFact]
    public void A_pinned_map_outlives_its_descriptor_and_keeps_its_content()
    {
        using var bpffs = new ScratchBpffs();
        using (var map = Create())
        {
            new BpfHashMap<uint, ulong>(map).Update(1, 11);
            map.Pin(bpffs["map"]);
            Assert.Equal(LibC.EEXIST, Assert.Throws<BpfException>(() => map.Pin(bpffs["map"])).Errno);
        }

        using var opened = BpfMap.TryOpenPinned(bpffs["map"]);

        Assert.NotNull(opened);
        Assert.True(new BpfHashMap<uint, ulong>(opened).TryGet(1, out ulong value));
        Assert.Equal(11ul, value);
        Assert.Null(BpfMap.TryOpenPinned(bpffs["nothing"]));
    }

    [KernelFact]
    public void A_pin_outside_a_bpffs_says_where()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            using var map = Create();

            var failure = Assert.Throws<BpfException>(() => map.Pin($"{folder}/map"));

            Assert.StartsWith($"pin map \"test_map\" at {folder}/map: E", failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    [KernelFact]
    public void What_is_there_and_is_no_pin_is_an_error_and_not_nothing()
    {
        string file = Path.GetTempFileName();
        try
        {
            var failure = Assert.Throws<BpfException>(() => BpfMap.TryOpenPinned(file));

            Assert.StartsWith($"open pinned map \"{file}\": E", failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [KernelFact]
    public void A_map_that_is_gone_has_no_id()
    {
        uint id;
        using (var map = Create())
        {
            id = map.Id;
        }

        // The kernel frees a map a moment after its last descriptor.
        Eventually.Holds(
            () =>
            {
                using var left = BpfMap.TryFromId(id);
                return left is null;
            },
            TimeSpan.FromSeconds(10));
        Assert.Equal(LibC.ENOENT, Assert.Throws<BpfException>(() => BpfMap.FromId(id)).Errno);
    }

    [KernelFact]
    public void A_frozen_map_cannot_be_written()
    {
        using var map = Create();
        map.Freeze();

        Assert.Equal(LibC.EPERM, Assert.Throws<BpfException>(() => new BpfHashMap<uint, ulong>(map).Update(1, 1)).Errno);
    }

    private static BpfMap Create(BpfMapFlags flags = BpfMapFlags.None)
        => BpfMap.Create(new BpfMapOptions { Type = BpfMapType.Hash, Name = "test_map", KeySize = 4, ValueSize = 8, MaxEntries = 16, Flags = flags });
}
