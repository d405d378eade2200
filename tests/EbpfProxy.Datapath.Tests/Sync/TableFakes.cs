using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;

namespace EbpfProxy.Datapath.Tests.Sync;

/// <summary>What happens to the tables, in order; can stop the writer at any write, as a kill would.</summary>
internal sealed class Journal
{
    public List<string> Lines { get; } = [];

    /// <summary>Called after each write: a program may read at that instant.</summary>
    public Action? AfterWrite { get; set; }

    /// <summary>How many writes succeed before the writer is stopped.</summary>
    public int WritesLeft { get; set; } = int.MaxValue;

    public void Write(string line, Action write)
    {
        if (WritesLeft-- <= 0)
        {
            throw new IOException("killed");
        }

        write();
        Lines.Add(line);
        AfterWrite?.Invoke();
    }
}

internal sealed class FakeArrayTable<TValue>(string name, Journal journal, uint capacity) : IArrayTable<TValue>
    where TValue : unmanaged
{
    private TValue[] _values = new TValue[capacity];

    public uint Capacity => (uint)_values.Length;

    public long Writes { get; private set; }

    public TValue Read(uint index) => index < Capacity ? _values[index] : default;

    public void Write(uint index, in TValue value)
    {
        var copy = value;
        journal.Write($"{name}[{index}]", () => _values[index] = copy);
        Writes++;
    }

    public void WriteWord(uint index, int offset, ulong word)
    {
        Assert.Equal(0, offset % 8);
        journal.Write($"{name}[{index}]+{offset}", () =>
            Unsafe.As<TValue, ulong>(ref Unsafe.AddByteOffset(ref _values[index], offset)) = word);
        Writes++;
    }

    public void Unmap()
    {
        // It takes none beside its own.
    }

    public void EnsureCapacity(uint count)
    {
        if (count > Capacity)
        {
            Array.Resize(ref _values, (int)count);
        }
    }

    public byte[] Bytes => MemoryMarshal.AsBytes(_values.AsSpan()).ToArray();
}

internal sealed class FakeHashTable<TKey, TValue>(string name, Journal journal) : IHashTable<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    private readonly Dictionary<TKey, TValue> _values = [];
    private readonly HashSet<TKey> _expected = [];

    public int Count => _values.Count;

    public uint Capacity => int.MaxValue;

    /// <summary>How many rows the kernel lets it have.</summary>
    public uint Limit { get; set; } = int.MaxValue;

    public long Writes { get; private set; }

    public bool TryRead(in TKey key, out TValue value) => _values.TryGetValue(key, out value);

    public void Expect(in TKey key) => _expected.Add(key);

    /// <summary>Whether programs that go by hints look a key up.</summary>
    public bool IsExpected(in TKey key) => _expected.Contains(key);

    public void Put(in TKey key, in TValue value)
    {
        EnsureCapacity((uint)(_values.ContainsKey(key) ? Count : Count + 1));
        _expected.Add(key);
        var (copiedKey, copiedValue) = (key, value);
        journal.Write($"+{name}", () => _values[copiedKey] = copiedValue);
        Writes++;
    }

    public void AddBatch(ReadOnlySpan<TKey> keys, ReadOnlySpan<TValue> values)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            Assert.False(_values.ContainsKey(keys[i]));
            Put(keys[i], values[i]);
        }
    }

    public bool Remove(in TKey key)
    {
        if (!_values.ContainsKey(key))
        {
            return false;
        }

        var copy = key;
        journal.Write($"-{name}", () => _values.Remove(copy));
        Writes++;
        return true;
    }

    public void EnsureCapacity(uint count)
    {
        if (count > Limit)
        {
            throw new IOException($"{name}: no memory for {count}");
        }
    }

    public IEnumerable<KeyValuePair<TKey, TValue>> ReadAll() => _values.ToArray();
}

/// <summary>Grace periods that end when the test says so.</summary>
internal sealed class FakeGracePeriods : IGracePeriods
{
    private long _requested;
    private long _over;

    /// <summary>Whether a grace period is over as soon as it is asked for.</summary>
    public bool AreImmediate { get; set; } = true;

    public long Request()
    {
        _requested++;
        if (AreImmediate)
        {
            _over = _requested;
        }

        return _requested;
    }

    public bool IsOver(long ticket) => _over >= ticket;

    public void Wait(long ticket) => _over = Math.Max(_over, ticket);

    public void Elapse() => _over = _requested;
}
