using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Native;

/// <summary>
/// The generated structs against the C compiler's view of this machine's headers. Those may be older than the bindings: fields
/// that they do not have yet are named here, and every other field must be there.
/// </summary>
public sealed class StructTests
{
    private static readonly Type[] Structs =
    [
        typeof(bpf_insn),
        typeof(bpf_map_info),
        typeof(bpf_prog_info),
        typeof(bpf_link_info),
        typeof(bpf_map_create_opts),
        typeof(bpf_map_batch_opts),
        typeof(bpf_prog_load_opts),
        typeof(bpf_object_open_opts),
        typeof(bpf_link_create_opts),
        typeof(bpf_link_update_opts),
        typeof(bpf_test_run_opts),
        typeof(bpf_tc_hook),
        typeof(bpf_tc_opts),
        typeof(btf_type),
        typeof(btf_var_secinfo),
        typeof(bpf_sock_addr),
    ];

    private static readonly string[] NewerThanOldestHeaders =
    [
        "bpf_map_info.btf_vmlinux_id",
        "bpf_map_create_opts.value_type_btf_obj_fd",
        "bpf_map_create_opts.token_fd",
        "bpf_prog_load_opts.log_true_size",
        "bpf_prog_load_opts.token_fd",
        "bpf_object_open_opts.bpf_token_path",
        "bpf_link_update_opts.old_map_fd",
    ];

    [Fact]
    public void Fields_stand_where_the_c_compiler_puts_them()
    {
        var source = new StringBuilder("#include <stddef.h>\n#include <linux/bpf.h>\n#include <linux/btf.h>\n#include <bpf/bpf.h>\n#include <bpf/libbpf.h>\n");
        int count = 0;
        foreach (var (type, field) in Structs.SelectMany(type => Fields(type).Select(field => (type, field))))
        {
            string place = $"struct {type.Name}, {field.Name}";
            source.Append(null, $"_Static_assert(offsetof({place}) == {Offset(type, field)}, \"{place}\");\n");
            count++;
        }

        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "structs.c");
        File.WriteAllText(path, source.ToString());
        var result = Shell.Run("${CC:-cc} -fsyntax-only \"$1\"; status=$?; rm -r \"$(dirname \"$1\")\"; exit $status", path);

        Assert.True(result.Error.Length == 0, result.Error);
        Assert.Equal(0, result.ExitCode);
        Assert.InRange(count, 100, int.MaxValue);
    }

    // Anonymous unions and bit-fields have no name in C to ask for.
    private static IEnumerable<FieldInfo> Fields(Type type)
        => type.GetFields(BindingFlags.Public | BindingFlags.Instance).Where(field =>
            !field.Name.StartsWith("_bitfield", StringComparison.Ordinal)
            && !field.Name.StartsWith("Anonymous", StringComparison.Ordinal)
            && !NewerThanOldestHeaders.Contains($"{type.Name}.{field.Name}"));

    /// <summary>Fills one field of a boxed struct with ones and looks where they are.</summary>
    private static int Offset(Type type, FieldInfo field)
    {
        object box = RuntimeHelpers.GetUninitializedObject(type);
        field.SetValue(box, Ones(field.FieldType));
        return Bytes(box).IndexOfAnyExcept((byte)0);
    }

    private static unsafe object Ones(Type type)
    {
        if (type.IsPointer)
        {
            return Pointer.Box((void*)-1, type);
        }

        object box = RuntimeHelpers.GetUninitializedObject(type);
        Bytes(box).Fill(type == typeof(bool) ? (byte)1 : (byte)0xff);
        return box;
    }

    private static Span<byte> Bytes(object box)
        => System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref Unsafe.As<Boxed>(box).First, Size(box.GetType()));

    private static int Size(Type type)
    {
        var sizeOf = typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf)) ?? throw new MissingMethodException(nameof(Unsafe.SizeOf));
        return (int)sizeOf.MakeGenericMethod(type).Invoke(null, null)!;
    }

    private sealed class Boxed
    {
        public byte First;
    }
}
