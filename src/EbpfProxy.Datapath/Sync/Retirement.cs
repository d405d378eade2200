namespace EbpfProxy.Datapath.Sync;

/// <summary>What was unlinked and is given back once no program can still be reading it.</summary>
internal sealed class Retirement(IGracePeriods gracePeriods)
{
    private readonly Queue<(long Ticket, List<Action> Actions)> _waiting = new();
    private List<Action> _current = [];

    /// <summary>Keeps <paramref name="giveBack"/> until the grace period after the next <see cref="Seal"/> is over.</summary>
    public void Add(Action giveBack) => _current.Add(giveBack);

    /// <summary>Begins the grace period for all that was added so far; call it after the last word is flipped.</summary>
    public void Seal()
    {
        if (_current.Count > 0)
        {
            _waiting.Enqueue((gracePeriods.Request(), _current));
            _current = [];
        }
    }

    /// <summary>Gives back what has waited long enough.</summary>
    public void Collect()
    {
        while (_waiting.TryPeek(out var batch) && gracePeriods.IsOver(batch.Ticket))
        {
            _waiting.Dequeue();
            batch.Actions.ForEach(giveBack => giveBack());
        }
    }

    /// <summary>Waits for the grace periods under way and gives everything back.</summary>
    public void Drain()
    {
        Seal();
        foreach (var (ticket, _) in _waiting)
        {
            gracePeriods.Wait(ticket);
        }

        Collect();
    }
}
