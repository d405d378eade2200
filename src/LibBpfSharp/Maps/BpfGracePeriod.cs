namespace LibBpfSharp;

/// <summary>
/// Waits until no BPF program still uses what it found in a map before. An element that was removed from a hash table, or replaced
/// there, can be used again by the kernel at once for another key: a writer that waits between removing and putting in keeps
/// programs from reading the one as the other. Programs that may sleep are not waited for.
/// </summary>
/// <remarks>
/// The kernel waits for an RCU grace period whenever user space changes a map of maps (since Linux 5.0); this keeps one for nothing
/// else.
/// </remarks>
public sealed class BpfGracePeriod : IDisposable
{
    private readonly BpfMap _inner;
    private readonly BpfMap _outer;
    private readonly BpfMapArray _slot;

    /// <summary>Creates the two small maps that <see cref="Wait"/> needs.</summary>
    /// <exception cref="BpfException">The kernel refused them.</exception>
    public BpfGracePeriod()
    {
        _inner = BpfMap.Create(new BpfMapOptions { Type = BpfMapType.Array, Name = "grace_inner", KeySize = 4, ValueSize = 4, MaxEntries = 1 });
        try
        {
            _outer = BpfMap.Create(new BpfMapOptions
            {
                Type = BpfMapType.ArrayOfMaps,
                Name = "grace_outer",
                KeySize = 4,
                ValueSize = 4,
                MaxEntries = 1,
                InnerMap = _inner,
            });
        }
        catch
        {
            _inner.Dispose();
            throw;
        }

        _slot = new BpfMapArray(_outer);
    }

    /// <summary>Returns when every program that was running when it was called has ended; typically some milliseconds.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public void Wait() => _slot.Set(0, _inner);

    /// <inheritdoc/>
    public void Dispose()
    {
        _outer.Dispose();
        _inner.Dispose();
    }
}
