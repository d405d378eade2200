using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;

namespace EbpfProxy.Datapath.Tables;

/// <summary>The table of addresses. Where there is a packet path, its programs hear of each address before it has its row.</summary>
internal sealed class AddressTable(IHashTable<AddressKey, AddressInfo> rows) : IHashTable<AddressKey, AddressInfo>
{
    private AddressHints? _hints;

    public int Count => rows.Count;

    public uint Capacity => rows.Capacity;

    public long Writes => rows.Writes;

    /// <summary>From now on says there which addresses have rows, beginning with those that have.</summary>
    public void TellIn(AddressHints hints)
    {
        foreach (var (address, _) in rows.ReadAll())
        {
            hints.Expect(address);
            hints.AddRow(address);
        }

        _hints = hints;
    }

    public bool TryRead(in AddressKey key, out AddressInfo value) => rows.TryRead(key, out value);

    public void Expect(in AddressKey key) => _hints?.Expect(key);

    public void Put(in AddressKey key, in AddressInfo value)
    {
        int count = rows.Count;
        _hints?.Expect(key);
        rows.Put(key, value);
        if (rows.Count > count)
        {
            _hints?.AddRow(key);
        }
    }

    /// <remarks>Where only a part can be added, all of it stays expected: nothing is lost by that.</remarks>
    public void AddBatch(ReadOnlySpan<AddressKey> keys, ReadOnlySpan<AddressInfo> values)
    {
        foreach (ref readonly var key in keys)
        {
            _hints?.Expect(key);
            _hints?.AddRow(key);
        }

        rows.AddBatch(keys, values);
    }

    public bool Remove(in AddressKey key)
    {
        if (!rows.Remove(key))
        {
            return false;
        }

        _hints?.RemoveRow(key);
        return true;
    }

    public void EnsureCapacity(uint count) => rows.EnsureCapacity(count);

    public IEnumerable<KeyValuePair<AddressKey, AddressInfo>> ReadAll() => rows.ReadAll();
}
