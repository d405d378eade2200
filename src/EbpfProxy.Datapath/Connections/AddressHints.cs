using System.Numerics;
using EbpfProxy.Datapath.Abi;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Which addresses may be ours: a bit for the hash of each that the tables or a connection have. Programs let what is between
/// others go on without a look at it, so a bit that is missing is a connection that breaks, and one too many costs a lookup:
/// bits are set before the address is, and cleared when for a while neither tables nor connections had one of that hash.
/// Not thread-safe.
/// </summary>
internal sealed class AddressHints : IDisposable
{
    /// <summary>ADDRESS_HINT_BITS of bpf/include/connection_abi.h.</summary>
    public const int HashBits = 18;

    private const int WordBits = 64;

    /// <summary>
    /// A pass may have gone by the place of a connection that began meanwhile, with the addresses of one that it was still to see:
    /// the next pass sees it.
    /// </summary>
    private const int WholePasses = 2;

    private readonly BpfMappedArray<ulong> _words;

    /// <summary>How many rows of tables each hash has; at the most that it can count it stays.</summary>
    private readonly byte[] _rows = new byte[1 << HashBits];

    /// <summary>How many passes ended since a hash without rows was needed.</summary>
    private readonly byte[] _passes = new byte[1 << HashBits];

    public AddressHints(BpfMap map) => _words = new BpfArrayMap<ulong>(map).MemoryMap();

    /// <summary>The hash of an address: <c>address_hash()</c> of bpf/packet/hint.h.</summary>
    public static int HashOf(in AddressKey address)
    {
        uint mixed = (((((address.Word0Be * 31) + address.Word1Be) * 31) + address.Word2Be) * 31) + address.Word3Be;
        return (int)((mixed * 0x9e3779b1) >> (32 - HashBits));
    }

    /// <summary>Whether programs look at packets of an address.</summary>
    public bool Has(in AddressKey address)
    {
        int hash = HashOf(address);
        return (Volatile.Read(ref _words[hash / WordBits]) & Bit(hash)) != 0;
    }

    /// <summary>Says that an address may be met from now on: it gets a row, or a connection has it.</summary>
    public void Expect(in AddressKey address)
    {
        int hash = HashOf(address);
        _passes[hash] = 0;
        if (!Has(address))
        {
            Interlocked.Or(ref _words[hash / WordBits], Bit(hash));
        }
    }

    /// <summary>Says that there is a connection. Its client may be anybody.</summary>
    public void Expect(in ConnectionValue connection)
    {
        Expect(connection.Frontend);
        Expect(connection.Backend);
        Expect(connection.Source);
    }

    /// <summary>Says that an address has a row; after <see cref="Expect(in AddressKey)"/>.</summary>
    public void AddRow(in AddressKey address)
    {
        ref byte rows = ref _rows[HashOf(address)];
        rows += rows == byte.MaxValue ? (byte)0 : (byte)1;
    }

    /// <summary>Says that an address has no row any more. Connections may have it.</summary>
    public void RemoveRow(in AddressKey address)
    {
        int hash = HashOf(address);
        _passes[hash] = 0;
        ref byte rows = ref _rows[hash];
        rows -= rows is 0 or byte.MaxValue ? (byte)0 : (byte)1;
    }

    /// <summary>
    /// Whether the tables have all that programs go by: not before the first complete change of an upgrade, whose programs are still
    /// those of another layout's tables, nor after a change that failed. Until then nothing is cleared.
    /// </summary>
    public bool AreTablesWhole { get; set; }

    /// <summary>All connections were gone through, and <see cref="Expect(in AddressKey)"/> was told of each: clears what nobody needs.</summary>
    public void FinishPass()
    {
        if (!AreTablesWhole)
        {
            Array.Clear(_passes);
            return;
        }

        for (int word = 0; word < _words.Length; word++)
        {
            for (ulong left = _words[word]; left != 0; left &= left - 1)
            {
                int hash = (word * WordBits) + BitOperations.TrailingZeroCount(left);
                if (_rows[hash] == 0 && ++_passes[hash] > WholePasses)
                {
                    Interlocked.And(ref _words[word], ~Bit(hash));
                }
            }
        }
    }

    public void Dispose() => _words.Dispose();

    private static ulong Bit(int hash) => 1UL << (hash % WordBits);
}
