using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Abi;

/// <summary>The C# mirrors against the BTF of the built objects: one truth, bpf/include/abi.h and connection_abi.h.</summary>
public sealed class LayoutTests
{
    private static readonly Lazy<JsonElement[]> _types = new(() => [.. ReadTypes("sock_addr.bpf.o"), .. ReadTypes("tc.bpf.o")]);

    public static TheoryData<string, Type> Mirrors => new()
    {
        { "address", typeof(AddressKey) },
        { "address_info", typeof(AddressInfo) },
        { "frontend_key", typeof(FrontendKey) },
        { "frontend", typeof(FrontendValue) },
        { "traffic", typeof(TrafficWord) },
        { "service", typeof(ServiceValue) },
        { "backend_state", typeof(BackendState) },
        { "backend", typeof(BackendValue) },
        { "service_name", typeof(ServiceName) },
        { "source_range_key", typeof(SourceRangeKey) },
        { "source_range", typeof(SourceRange) },
        { "tally", typeof(TallyValue) },
        { "trace_filter", typeof(TraceFilterValue) },
        { "trace_event", typeof(TraceEventValue) },
        { "peer_key", typeof(PeerKey) },
        { "peer", typeof(PeerValue) },
        { "service_prefix", typeof(ServicePrefixValue) },
        { "client", typeof(ClientValue) },
        { "affinity_key", typeof(AffinityKey) },
        { "affinity", typeof(AffinityValue) },
        { "device", typeof(DeviceValue) },
        { "connection", typeof(ConnectionValue) },
        { "flow_key", typeof(FlowKey) },
        { "flow", typeof(FlowWord) },
        { "flow_secret", typeof(FlowSecret) },
        { "flow_row", typeof(FlowRow) },
        { "flow_bucket", typeof(FlowBucket) },
        { "flow_change", typeof(FlowChange) },
        { "prefix", typeof(PrefixValue) },
        { "timeouts", typeof(TimeoutsValue) },
        { "path_state", typeof(PathState) },
        { "tracked", typeof(TrackedValue) },
    };

    public static TheoryData<string, Type> Enums => new()
    {
        { "address_role", typeof(AddressRole) },
        { "frontend_kind", typeof(FrontendKind) },
        { "verdict", typeof(Verdict) },
        { "backend_flag", typeof(BackendUse) },
        { "peer_flag", typeof(PeerFlags) },
        { "device_flag", typeof(DeviceFlags) },
        { "connection_flag", typeof(ConnectionFlags) },
        { "seen_flag", typeof(SeenFlags) },
        { "flow_role", typeof(FlowRole) },
        { "flow_hook", typeof(FlowHook) },
        { "path_use", typeof(PathUse) },
        { "path_around", typeof(PathAround) },
        { "reason", typeof(Reason) },
        { "loopback_node_ports", typeof(LoopbackNodePorts) },
        { "socket_translation", typeof(SocketTranslation) },
    };

    [Theory]
    [MemberData(nameof(Mirrors))]
    public void Mirror_has_the_size_and_the_offsets_of_the_struct(string name, Type mirror)
    {
        var type = Find("STRUCT", name);
        Assert.Equal(type.GetProperty("size").GetInt32(), SizeOf(mirror));

        int[] expected = [.. type.GetProperty("members").EnumerateArray().Select(member => member.GetProperty("bits_offset").GetInt32() / 8)];
        int[] actual = OffsetsOf(mirror);

        // A mirror may join or divide what C has apart (an address's words, a word's bit fields, reserved bytes), but not
        // move anything: what begins in both begins at the same place, and there is no byte that C does not name.
        int joined = name is "address" or "traffic" or "backend_state" or "service_name" or "flow" ? 1 : expected.Length;
        Assert.True(expected.Intersect(actual).Count() >= joined, $"C: {string.Join(' ', expected)}; C#: {string.Join(' ', actual)}");
    }

    [Fact]
    public void No_mirror_is_unproved()
    {
        var mirrors = typeof(AddressKey).Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(AddressKey).Namespace && type is { IsValueType: true, IsEnum: false, IsNested: false })
            .Where(type => type != typeof(NameBytes));

        Assert.Equal(
            mirrors.Select(type => type.Name).Order(),
            Mirrors.Select(row => row.Data.Item2.Name).Order());
    }

    [Theory]
    [MemberData(nameof(Enums))]
    public void Enum_has_the_numbers_of_the_header(string name, Type mirror)
    {
        int[] expected = [.. Find("ENUM", name).GetProperty("values").EnumerateArray().Select(value => value.GetProperty("val").GetInt32()).Order()];

        int[] actual = [.. Enum.GetValuesAsUnderlyingType(mirror).Cast<object>().Select(value => Convert.ToInt32(value, null)).Order()];

        // "None" and the header's count of reasons have no twin.
        Assert.Equal(expected.Except([0]).Where(value => name != "reason" || value < expected.Max()), actual.Except([0]));
    }

    [Fact]
    public void Word_of_traffic_has_its_parts_where_the_bit_fields_are()
    {
        var offsets = Find("STRUCT", "traffic").GetProperty("members").EnumerateArray()
            .ToDictionary(member => member.GetProperty("name").GetString()!, member => member.GetProperty("bits_offset").GetInt32());

        Assert.Equal(1ul << offsets["set"], new TrafficWord(1, 0, 0).Bits);
        Assert.Equal(1ul << offsets["count"], new TrafficWord(0, 1, 0).Bits);
        Assert.Equal((ulong)Verdict.Drop << offsets["verdict"], new TrafficWord(0, 0, Verdict.Drop).Bits);
    }

    [Fact]
    public void Word_of_a_flow_has_its_parts_where_the_bit_fields_are()
    {
        var offsets = Find("STRUCT", "flow").GetProperty("members").EnumerateArray()
            .ToDictionary(member => member.GetProperty("name").GetString()!, member => member.GetProperty("bits_offset").GetInt32());

        Assert.Equal(1ul << offsets["connection"], new FlowWord(1, 0, FlowRole.Ask).Bits);
        Assert.Equal(1ul << offsets["generation"], new FlowWord(0, 1, FlowRole.Ask).Bits);
        Assert.Equal((ulong)FlowRole.Answer << offsets["role"], new FlowWord(0, 0, FlowRole.Answer).Bits);
        var word = new FlowWord(7, FlowWord.MaxGeneration, FlowRole.Return);
        Assert.Equal((7u, FlowWord.MaxGeneration, FlowRole.Return), (word.Connection, word.Generation, word.Role));
    }

    [Fact]
    public void Name_of_a_service_has_its_parts_where_the_header_has_them()
    {
        var offsets = Find("STRUCT", "service_name").GetProperty("members").EnumerateArray()
            .ToDictionary(member => member.GetProperty("name").GetString()!, member => member.GetProperty("bits_offset").GetInt32() / 8);

        var key = new ServiceKey(new("a", "b"), "c", Model.Network.Protocol.Udp, Model.Network.IpFamily.IPv6);
        var name = ServiceName.From(key);

        var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<ServiceName>(in name));
        Assert.Equal((byte)'a', bytes[offsets["namespace_name"]]);
        Assert.Equal((byte)'b', bytes[offsets["service"]]);
        Assert.Equal((byte)'c', bytes[offsets["port"]]);
        Assert.Equal(17, bytes[offsets["protocol"]]);
        Assert.Equal(6, bytes[offsets["family"]]);
        Assert.Equal(key, name.ToKey());
    }

    private static int SizeOf(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>Fills each field and looks where it lands; Marshal.OffsetOf is not to be had without marshalling.</summary>
    private static int[] OffsetsOf(Type type) => [.. type
        .GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
        .Select(field => (int)typeof(LayoutTests).GetMethod(nameof(OffsetOf), BindingFlags.Static | BindingFlags.NonPublic)!
            .MakeGenericMethod(type).Invoke(null, [field])!)];

    private static int OffsetOf<T>(FieldInfo field)
        where T : unmanaged
    {
        object boxed = default(T);
        object filled = RuntimeHelpers.GetUninitializedObject(field.FieldType);

        // A boxed value lies where the one field of a strong box does.
        Unsafe.InitBlock(ref Unsafe.As<StrongBox<byte>>(filled).Value, 0xff, (uint)SizeOf(field.FieldType));
        field.SetValue(boxed, filled);
        var value = (T)boxed;
        return MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).IndexOf((byte)0xff);
    }

    /// <summary>A type of the objects; those that have it must agree on it.</summary>
    private static JsonElement Find(string kind, string name)
    {
        var found = _types.Value
            .Where(type => type.GetProperty("kind").GetString() == kind && type.GetProperty("name").GetString() == name)
            .ToList();
        Assert.Single(found.Select(PartsOf).Distinct());
        return found[0];
    }

    /// <summary>What a type consists of, without the ids that its object gives to the types of its members.</summary>
    private static string PartsOf(JsonElement type) => type.GetProperty("kind").GetString() == "STRUCT"
        ? string.Join(' ', type.GetProperty("members").EnumerateArray().Select(m => $"{m.GetProperty("name")}@{m.GetProperty("bits_offset")}"))
        : type.GetProperty("values").ToString();

    private static JsonElement[] ReadTypes(string name)
    {
        string path = Path.GetTempFileName();
        try
        {
            using (var resource = typeof(SocketHook).Assembly.GetManifestResourceStream(name)!)
            using (var file = File.Create(path))
            {
                resource.CopyTo(file);
            }

            string types = Shell.Require("bpftool -j btf dump file \"$1\"", path);
            return [.. JsonDocument.Parse(types).RootElement.GetProperty("types").EnumerateArray()];
        }
        finally
        {
            File.Delete(path);
        }
    }
}
