using System.Runtime.CompilerServices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>An array map that is mapped into this process: a write is a store.</summary>
internal sealed class ArrayTable<TValue> : GrowableTable, IArrayTable<TValue>
    where TValue : unmanaged
{
    private BpfMappedArray<TValue> _memory;
    private BpfMappedArray<TValue>? _copy;

    public ArrayTable(string name, BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types)
        : base(name, map, slot, pins, types)
    {
        _memory = new BpfArrayMap<TValue>(map).MemoryMap();
    }

    public TValue Read(uint index) => index < Capacity ? _memory[(int)index] : default;

    public void Write(uint index, in TValue value)
    {
        _memory[(int)index] = value;
        Writes++;
    }

    public void WriteWord(uint index, int offset, ulong word)
    {
        ref ulong place = ref Unsafe.As<TValue, ulong>(ref Unsafe.AddByteOffset(ref _memory[(int)index], offset));
        Volatile.Write(ref place, word);
        Writes++;
    }

    public override void Dispose()
    {
        _memory.Dispose();
        base.Dispose();
    }

    protected override void CopyTo(BpfMap larger)
    {
        _copy = new BpfArrayMap<TValue>(larger).MemoryMap();
        for (int i = 0; i < (int)Capacity; i++)
        {
            _copy[i] = _memory[i];
        }
    }

    protected override void Switch()
    {
        _memory.Dispose();
        _memory = _copy!;
        _copy = null;
    }

    protected override void GiveUpCopy()
    {
        _copy?.Dispose();
        _copy = null;
    }
}
