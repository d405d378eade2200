namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// RCU grace periods of the kernel: after one, no program that was running when it began is running still, so what was
/// unlinked before it can be used again.
/// </summary>
internal interface IGracePeriods
{
    /// <summary>Asks for a grace period that begins now, without waiting for it.</summary>
    long Request();

    /// <summary>Whether the grace period of <paramref name="ticket"/> is over.</summary>
    bool IsOver(long ticket);

    /// <summary>Waits until it is over.</summary>
    void Wait(long ticket);
}
