using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Sync;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Removes the rows of flows that a controller left when it was killed: between taking them from a connection and removing them.
/// Such a row leads to nothing, but no connection can have its place until its id was used twice more. Looks through the rows once
/// in the life of a process, when the connections that were over before it are freed. Not thread-safe.
/// </summary>
internal sealed class LostRows(ConnectionMaps maps, IGracePeriods gracePeriods)
{
    /// <summary>The first pass over the connections finds what is over; by the end of the next it is freed.</summary>
    private const int PassesBefore = 2;

    /// <summary>Each row is a question to the kernel, and there is no hurry.</summary>
    private const int MostAtOnce = 8192;

    private readonly Queue<(long Ticket, List<KeyValuePair<FlowKey, FlowWord>> Rows)> _found = new();
    private IEnumerator<KeyValuePair<FlowKey, FlowWord>>? _walk;
    private int _passes;

    /// <summary>Hears of each pass over the connections.</summary>
    public void FinishPass()
    {
        if (_passes < PassesBefore && ++_passes == PassesBefore)
        {
            _walk = maps.Flows.Enumerate().GetEnumerator();
        }
    }

    /// <summary>Looks at the next <paramref name="count"/> rows at most, and removes what earlier calls found.</summary>
    public void Step(int count)
    {
        while (_found.TryPeek(out var batch) && gracePeriods.IsOver(batch.Ticket))
        {
            _found.Dequeue();
            foreach (var (key, lost) in batch.Rows.Where(row => IsLost(row.Value)))
            {
                maps.RemoveFlow(key, word => word == lost);
            }
        }

        List<KeyValuePair<FlowKey, FlowWord>> rows = [];
        for (int left = Math.Min(count, MostAtOnce); left > 0 && _walk is not null; left--)
        {
            if (!_walk.MoveNext())
            {
                _walk.Dispose();
                _walk = null;
            }
            else if (IsLost(_walk.Current.Value))
            {
                rows.Add(_walk.Current);
            }
        }

        // A program that is just giving the id to its next connection removes the rows of the one before itself.
        if (rows.Count > 0)
        {
            _found.Enqueue((gracePeriods.Request(), rows));
        }
    }

    /// <summary>Whether the connection of a row was freed, or its id is another's. One that has ended is still to be freed, with its rows.</summary>
    private bool IsLost(FlowWord row)
    {
        if (row.Connection >= maps.Capacity)
        {
            return true;
        }

        var connection = maps.Read((int)row.Connection);
        uint age = (connection.Generation - row.Generation) & FlowWord.MaxGeneration;
        return age != 0 && (age > 1 || connection.Protocol == 0);
    }
}
