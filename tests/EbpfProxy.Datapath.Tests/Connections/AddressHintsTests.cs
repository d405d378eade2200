using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Connections;

/// <summary>A hint that is missing is a connection that breaks: it is there as long as a row or a connection has the address.</summary>
public sealed class AddressHintsTests : SweeperHarness
{
    /// <summary>So many passes after it was needed last, a hint is gone.</summary>
    private const int Enough = 3;

    /// <summary>The backend of <see cref="SweeperHarness.Open"/>.</summary>
    private static readonly AddressKey _backend = AddressKey.From(Address.FromIPv4(0x0a000001));

    [KernelFact]
    public void Address_with_a_row_keeps_its_hint()
    {
        var table = Tell(new Rows());
        table.Put(_backend, default);
        table.Put(_backend, default);

        Sweep(10);

        Assert.True(Hints.Has(_backend));
    }

    [KernelFact]
    public void Address_whose_row_is_removed_loses_its_hint_after_two_whole_passes()
    {
        var table = Tell(new Rows());
        table.Put(_backend, default);
        Step(1);
        table.Remove(_backend);

        Sweep(Enough - 1);
        Assert.True(Hints.Has(_backend));
        Sweep(1);
        Assert.False(Hints.Has(_backend));
    }

    [KernelFact]
    public void Address_whose_row_is_removed_keeps_its_hint_while_another_of_its_hash_has_one()
    {
        var other = FindTwin(_backend);
        var table = Tell(new Rows());
        table.AddBatch([_backend, other], new AddressInfo[2]);
        table.Remove(_backend);

        Sweep(10);

        Assert.True(Hints.Has(_backend));
        table.Remove(other);
        Sweep(Enough);
        Assert.False(Hints.Has(other));
    }

    [KernelFact]
    public void Backend_that_is_gone_keeps_its_hint_while_a_connection_has_it()
    {
        var table = Tell(new Rows());
        table.Put(_backend, default);
        Open(5, SeenFlags.Any | SeenFlags.Ack, SeenFlags.Any | SeenFlags.Syn);
        table.Remove(_backend);

        Sweep(10);
        Assert.True(Hints.Has(_backend));

        Connections[5] = default;
        Sweep(Enough);
        Assert.False(Hints.Has(_backend));
    }

    /// <summary>A change failed, or there was none yet: what programs go by is more than the rows that there are.</summary>
    [KernelFact]
    public void Nothing_is_cleared_while_the_tables_are_not_whole()
    {
        Hints.Expect(_backend);
        Hints.AreTablesWhole = false;
        Sweep(10);
        Assert.True(Hints.Has(_backend));

        Hints.AreTablesWhole = true;
        Sweep(Enough - 1);
        Assert.True(Hints.Has(_backend));
        Sweep(1);
        Assert.False(Hints.Has(_backend));
    }

    /// <summary>Its controller was killed, or was of a build that gave no hints.</summary>
    [KernelFact]
    public void Rows_and_connections_of_an_earlier_run_get_their_hints_at_once()
    {
        var cluster = AddressKey.From(Address.FromIPv4(0x0a600001));
        Open(63, SeenFlags.Any, SeenFlags.Any);

        Tell(new Rows { [cluster] = default });
        Sweeper.Adopt();

        Assert.True(Hints.Has(cluster) && Hints.Has(_backend));
    }

    [KernelFact]
    public void Hint_is_there_before_the_row()
    {
        var rows = new Rows();
        rows.Adding = address => Assert.True(Hints.Has(address));
        var table = Tell(rows);

        table.Put(_backend, default);
        table.AddBatch([AddressKey.From(Address.FromIPv4(0x0a600002))], new AddressInfo[1]);

        Assert.Equal(2, rows.Count);
    }

    /// <summary>The kernel has no memory for the row: the hint does no harm, and goes.</summary>
    [KernelFact]
    public void Hint_of_a_row_that_was_not_added_goes()
    {
        var rows = new Rows { Adding = _ => throw new IOException("no memory") };
        var table = Tell(rows);

        Assert.Throws<IOException>(() => table.Put(_backend, default));

        Sweep(Enough);
        Assert.False(Hints.Has(_backend));
    }

    private static AddressKey FindTwin(AddressKey address) => Enumerable.Range(0x0b000000, int.MaxValue - 0x0b000000)
        .Select(number => AddressKey.From(Address.FromIPv4((uint)number)))
        .First(other => AddressHints.HashOf(other) == AddressHints.HashOf(address));

    private AddressTable Tell(Rows rows)
    {
        var table = new AddressTable(rows);
        table.TellIn(Hints);
        return table;
    }

    /// <summary>A table in memory.</summary>
    private sealed class Rows : Dictionary<AddressKey, AddressInfo>, IHashTable<AddressKey, AddressInfo>
    {
        /// <summary>Hears of each row before it is there.</summary>
        public Action<AddressKey> Adding { get; set; } = _ => { };

        uint IHashTable<AddressKey, AddressInfo>.Capacity => int.MaxValue;

        public long Writes => 0;

        public bool TryRead(in AddressKey key, out AddressInfo value) => TryGetValue(key, out value);

        public void Put(in AddressKey key, in AddressInfo value)
        {
            Adding(key);
            this[key] = value;
        }

        public void AddBatch(ReadOnlySpan<AddressKey> keys, ReadOnlySpan<AddressInfo> values)
        {
            for (int i = 0; i < keys.Length; i++)
            {
                Put(keys[i], values[i]);
            }
        }

        bool IHashTable<AddressKey, AddressInfo>.Remove(in AddressKey key) => Remove(key);

        void IHashTable<AddressKey, AddressInfo>.EnsureCapacity(uint count) => EnsureCapacity((int)count);

        public IEnumerable<KeyValuePair<AddressKey, AddressInfo>> ReadAll() => this;
    }
}
