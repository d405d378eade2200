using System.Runtime.CompilerServices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// An array map that is mapped into this process while it is used: a write is a store. All of it counts as this process's
/// memory meanwhile, beside the map's own.
/// </summary>
internal class ArrayTable<TValue> : GrowableTable, IArrayTable<TValue>
    where TValue : unmanaged
{
    private BpfMappedArray<TValue>? _memory;

    public ArrayTable(string name, BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types)
        : base(name, map, slot, pins, types)
    {
    }

    /// <summary>What programs read and write.</summary>
    protected BpfMappedArray<TValue> Memory => _memory ??= new BpfArrayMap<TValue>(Map).MemoryMap();

    /// <summary>The larger table, while it is filled.</summary>
    protected BpfMappedArray<TValue>? Copy { get; private set; }

    public TValue Read(uint index) => index < Capacity ? Memory[(int)index] : default;

    public void Write(uint index, in TValue value)
    {
        Memory[(int)index] = value;
        Writes++;
    }

    public void WriteWord(uint index, int offset, ulong word)
    {
        ref ulong place = ref Unsafe.As<TValue, ulong>(ref Unsafe.AddByteOffset(ref Memory[(int)index], offset));
        Volatile.Write(ref place, word);
        Writes++;
    }

    public void Unmap()
    {
        _memory?.Dispose();
        _memory = null;
    }

    public override void Dispose()
    {
        Unmap();
        base.Dispose();
    }

    protected override void CopyTo(BpfMap larger)
    {
        Copy = new BpfArrayMap<TValue>(larger).MemoryMap();
        for (int i = 0; i < (int)Capacity; i++)
        {
            Copy[i] = Memory[i];
        }
    }

    protected override void Switch()
    {
        Unmap();
        _memory = Copy;
        Copy = null;
    }

    protected override void GiveUpCopy()
    {
        Copy?.Dispose();
        Copy = null;
    }
}
