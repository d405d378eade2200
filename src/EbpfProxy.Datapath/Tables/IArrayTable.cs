namespace EbpfProxy.Datapath.Tables;

/// <summary>A table that is indexed by small numbers, as one writer sees it. Every write is counted.</summary>
internal interface IArrayTable<TValue>
    where TValue : unmanaged
{
    uint Capacity { get; }

    /// <summary>The number of writes so far.</summary>
    long Writes { get; }

    /// <summary>Reads a value; past the capacity it is all zeroes.</summary>
    TValue Read(uint index);

    /// <summary>Writes a value that no reader can reach yet.</summary>
    void Write(uint index, in TValue value);

    /// <summary>Writes one aligned word of a value that readers may be reading: they see the old word or the new one.</summary>
    /// <param name="index">The value's index.</param>
    /// <param name="offset">The word's offset in the value in bytes, a multiple of 8.</param>
    /// <param name="word">The word.</param>
    void WriteWord(uint index, int offset, ulong word);

    /// <summary>Makes room for <paramref name="count"/> values, with every value and index as it was.</summary>
    void EnsureCapacity(uint count);

    /// <summary>Lets go of what memory it takes in this process until it is used again.</summary>
    void Unmap();
}
