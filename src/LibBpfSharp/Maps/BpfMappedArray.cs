using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LibBpfSharp;

/// <summary>
/// An array map in this process's memory: the very bytes that programs read. Disposing it removes the memory, and a reference
/// or span that is used afterwards ends the process; it does not touch the map, and the map may be closed while this is open.
/// </summary>
/// <remarks>
/// Plain reads and writes are what programs see. A program sees an aligned field of up to 8 bytes whole if it is written as one,
/// with <see cref="Volatile"/> where order matters.
/// </remarks>
/// <typeparam name="TValue">The value.</typeparam>
public sealed unsafe class BpfMappedArray<TValue> : SafeHandleZeroOrMinusOneIsInvalid
    where TValue : unmanaged
{
    private readonly nuint _size;
    private readonly nint _first;
    private readonly int _stride = MapLayout.Stride(sizeof(TValue));

    internal BpfMappedArray(BpfMap map)
        : this(map, 0, checked((int)map.MaxEntries))
    {
    }

    internal BpfMappedArray(BpfMap map, int first, int count)
        : base(ownsHandle: true)
    {
        if (!map.Flags.HasFlag(BpfMapFlags.MemoryMappable))
        {
            throw new InvalidOperationException($"map \"{map.Name}\" was not created with {BpfMapFlags.MemoryMappable}");
        }

        First = first;
        Length = count;
        nuint page = (nuint)Environment.SystemPageSize;
        nuint begin = (nuint)first * (nuint)_stride / page * page;
        nuint end = (((nuint)first + (nuint)count) * (nuint)_stride) + page - 1;
        _size = (end / page * page) - begin;
        _first = (nint)(((nuint)first * (nuint)_stride) - begin);
        using var lease = new HandleLease(map);
        void* address = LibC.mmap(null, _size, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, lease.Descriptor, (nint)begin);
        if (address == LibC.MapFailed)
        {
            throw new BpfException("map memory of", map.Name, Marshal.GetLastPInvokeError());
        }

        SetHandle((nint)address);
    }

    /// <summary>The index in the map of the first element that is mapped.</summary>
    public int First { get; }

    /// <summary>How many elements are mapped.</summary>
    public int Length { get; }

    /// <summary>
    /// All elements. Only for values whose size is a multiple of 8: the kernel puts each at the next multiple of 8. This object
    /// must stay reachable while the span is used.
    /// </summary>
    /// <exception cref="InvalidOperationException">The values have gaps between them.</exception>
    public Span<TValue> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return _stride == sizeof(TValue)
                ? new Span<TValue>((byte*)handle + _first, Length)
                : throw new InvalidOperationException($"values of {sizeof(TValue)} bytes have gaps between them; use the indexer");
        }
    }

    /// <summary>One element, counted from <see cref="First"/>. This object must stay reachable while the reference is used.</summary>
    public ref TValue this[int index]
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
            return ref Unsafe.AsRef<TValue>((byte*)handle + _first + ((nint)index * _stride));
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.munmap((void*)handle, _size) == 0;
}
