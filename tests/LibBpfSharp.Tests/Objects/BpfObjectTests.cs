using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Objects;

public sealed class BpfObjectTests
{
    [Fact]
    public void Opening_what_is_no_object_says_what_libbpf_says()
    {
        byte[] noise = [1, 2, 3, 4];

        var failure = Assert.Throws<BpfException>(() => BpfObject.Open(noise, "noise"));

        Assert.StartsWith("open object \"noise\": ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("ELF", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_open_object_shows_its_maps_and_programs()
    {
        using var sample = Sample.Open();

        var table = sample.GetMap("table");

        Assert.Equal((BpfMapType.Hash, 4u, 8u, 1u), (table.Type, table.KeySize, table.ValueSize, table.MaxEntries));
        Assert.NotEqual(0u, table.BtfKeyTypeId);
        Assert.Equal(BpfAttachType.CgroupInet4Connect, sample.GetProgram("sample_allow").ExpectedAttachType);
        Assert.Equal(BpfProgramType.SchedClassifier, sample.GetProgram("read_table").Type);
        Assert.Throws<KeyNotFoundException>(() => sample.GetMap("tables"));
        Assert.Throws<KeyNotFoundException>(() => sample.GetProgram("tables"));
    }

    [Fact]
    public void A_file_gives_the_object_its_name()
    {
        using var sample = BpfObject.OpenFile(Path.Combine(AppContext.BaseDirectory, "Bpf", "sample.bpf.o"));

        Assert.Equal("sample", sample.Name);
    }

    [KernelFact]
    public void Settings_made_before_the_load_are_what_the_kernel_gets()
    {
        using var sample = Sample.Load(sample =>
        {
            sample.GetMap("table").MaxEntries = 77;
            sample.SetGlobal("answer", 40u);
            sample.SetGlobal("limits", new Pair(1000, 1));
            sample.SetGlobal("is_open", (byte)1);
        });

        var run = sample.GetProgram("read_globals").Program.TestRun(new BpfTestRunOptions { Packet = Sample.Packet(64) });

        Assert.Equal(42u, run.ReturnValue);
        Assert.Equal(77u, sample.GetMap("table").Map.MaxEntries);
    }

    [Fact]
    public void A_global_of_another_size_is_refused_by_name_and_sizes()
    {
        using var sample = Sample.Open();

        var failure = Assert.Throws<ArgumentException>(() => sample.SetGlobal("answer", 1ul));

        Assert.Contains("\"answer\" of object \"sample\" has 4 bytes, but System.UInt64 has 8", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_global_that_is_not_there_is_refused_by_name()
    {
        using var sample = Sample.Open();

        var failure = Assert.Throws<ArgumentException>(() => sample.SetGlobal("question", 1u));

        Assert.Contains("no global variable \"question\"", failure.Message, StringComparison.Ordinal);
    }

    [KernelFact]
    public void A_refused_program_is_named_with_the_verifiers_reason()
    {
        using var refused = BpfObject.Open(Sample.Read("refused"), "refused");

        var failure = Assert.Throws<BpfVerifierException>(refused.Load);

        Assert.Matches("^load program \"careless\": EACCES \\(Permission denied\\); .*invalid mem access 'map_value_or_null' \\(\\d+ lines omitted\\)$", failure.Message);
        Assert.Contains("processed ", failure.Log, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(refused.Load);
    }

    [KernelFact]
    public void A_program_left_out_is_not_verified()
    {
        using var refused = BpfObject.Open(Sample.Read("refused"), "refused");
        refused.GetProgram("careless").AutoLoad = false;

        refused.Load();

        Assert.Equal(0u, Run(refused.GetProgram("fine")));
        Assert.Throws<InvalidOperationException>(() => refused.GetProgram("careless").Program);
    }

    [KernelFact]
    public void A_loaded_object_cannot_be_changed()
    {
        using var sample = Sample.Load();

        Assert.Throws<InvalidOperationException>(() => sample.GetMap("table").MaxEntries = 2);
        Assert.Throws<InvalidOperationException>(() => sample.GetProgram("pass").AutoLoad = false);
        Assert.Throws<InvalidOperationException>(() => sample.SetGlobal("answer", 1u));
        Assert.Throws<InvalidOperationException>(sample.Load);
    }

    [KernelFact]
    public void A_program_uses_the_map_that_it_is_told_to_reuse()
    {
        using var own = BpfMap.Create(new BpfMapOptions
        {
            Type = BpfMapType.Hash,
            Name = "table",
            KeySize = 4,
            ValueSize = 8,
            MaxEntries = 5,
        });
        new BpfHashMap<uint, ulong>(own).Update(64, 9);

        using var sample = Sample.Load(sample => sample.GetMap("table").Reuse(own));

        Assert.Equal(own.Id, sample.GetMap("table").Map.Id);
        Assert.Equal(9u, Run(sample.GetProgram("read_table")));
    }

    [KernelFact]
    public void Maps_and_programs_close_with_their_object_and_duplicates_do_not()
    {
        BpfMap map;
        BpfMap copy;
        using (var sample = Sample.Load())
        {
            map = sample.GetMap("table").Map;
            copy = map.Duplicate();
        }

        using (copy)
        {
            Assert.True(map.IsClosed);
            Assert.Throws<ObjectDisposedException>(() => map.Duplicate());
            Assert.True(new BpfHashMap<uint, ulong>(copy).TryAdd(1, 1));
        }
    }

    [KernelFact]
    public void A_map_can_be_created_with_the_objects_type_information()
    {
        using var sample = Sample.Load();
        var table = sample.GetMap("table");

        using var map = BpfMap.Create(new BpfMapOptions
        {
            Type = BpfMapType.Hash,
            Name = "like_table",
            KeySize = 4,
            ValueSize = 8,
            MaxEntries = 3,
            BtfFd = sample.BtfFd,
            BtfKeyTypeId = table.BtfKeyTypeId,
            BtfValueTypeId = table.BtfValueTypeId,
        });

        Assert.Equal(("like_table", 3u), (map.Name, map.MaxEntries));
    }

    private static uint Run(BpfObjectProgram program)
        => program.Program.TestRun(new BpfTestRunOptions { Packet = Sample.Packet(64) }).ReturnValue;
}
