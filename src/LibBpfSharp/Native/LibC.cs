using System.Runtime.InteropServices;
using System.Text;

namespace LibBpfSharp;

/// <summary>What the library needs of libc. C names are kept, so that the manual pages apply.</summary>
internal static unsafe partial class LibC
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int E2BIG = 7;
    public const int EAGAIN = 11;
    public const int EEXIST = 17;
    public const int ENODEV = 19;
    public const int EINVAL = 22;
    public const int ENOSPC = 28;
    public const int EOPNOTSUPP = 95;

    /// <summary>Not an errno of user space, yet what the kernel answers for map operations that a map type lacks.</summary>
    public const int ENOTSUPP = 524;

    public const int O_RDONLY = 0;
    public const int O_CLOEXEC = 0x80000;
    public const int F_DUPFD_CLOEXEC = 1030;
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 1;

    /// <summary>What <see cref="mmap"/> returns on an error.</summary>
    public static readonly void* MapFailed = (void*)-1;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int fd, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial void* mmap(void* address, nuint length, int protection, int flags, int fd, nint offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int munmap(void* address, nuint length);

    /// <summary>Formats into memory of its own, which the caller gives to <see cref="free"/>. Returns the length, or -1.</summary>
    [LibraryImport("libc")]
    public static partial int vasprintf(byte** text, byte* format, nint arguments);

    [LibraryImport("libc")]
    public static partial void free(void* memory);

    /// <summary>The bytes of a C string, with its terminating zero.</summary>
    public static byte[] CString(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A name handed to the kernel cannot contain a zero character.", nameof(text));
        }

        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    /// <summary>The text of a C string; an empty one for null.</summary>
    public static string Text(sbyte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>The text of a fixed-size field, up to its first zero.</summary>
    public static string Text(ReadOnlySpan<sbyte> field)
    {
        var bytes = MemoryMarshal.AsBytes(field);
        int end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
