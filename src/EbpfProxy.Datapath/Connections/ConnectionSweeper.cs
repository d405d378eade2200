using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Network;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Frees the connections that are over. The programs judge age themselves; this only gives ids and rows back, a bounded
/// part of the table at a time, and tells the programs when there is nothing to look for.
/// <para>
/// A program that takes the token of a connection out of a queue (the unanswered, the closing) ends it and uses its id
/// again at once. So such a connection is ended here only by who took its token; any other by anyone. An ended one is
/// freed a grace period later, if its generation is still the same: otherwise a program was just filling it in.
/// </para>
/// Not thread-safe.
/// </summary>
internal sealed class ConnectionSweeper(ConnectionMaps maps, IGracePeriods gracePeriods, TimeoutsValue timeouts, TimeProvider time)
{
    private const ulong NanosecondsASecond = 1_000_000_000;

    // A connection that has just come to its end is left to the programs, whose clock may be a second behind.
    private const ulong Patience = 2 * NanosecondsASecond;

    private readonly Queue<(long Ticket, List<(int Id, uint Generation)> Ended)> _waiting = new();
    private readonly FrontendLosses _losses = new(maps);
    private readonly ConnectionValue[] _part = new ConnectionValue[1024];
    private int _next;
    private int _inUse;

    /// <summary>How many ids there are.</summary>
    public int Capacity => maps.Capacity;

    /// <summary>How many were in use when the table was last gone through.</summary>
    public int InUse { get; private set; }

    /// <summary>
    /// Says that a frontend goes: from now on the programs look for connections of packets to any address, until none has
    /// one that is no frontend. To be called before it is taken away.
    /// </summary>
    public void FrontendGoes() => _losses.Add();

    /// <summary>Goes through the next <paramref name="count"/> ids, and frees what earlier calls ended.</summary>
    /// <param name="count">How many ids.</param>
    /// <param name="isFrontend">Whether an address, port and protocol are a frontend's.</param>
    /// <returns>How many connections were freed.</returns>
    public int Step(int count, Func<Address, ushort, Protocol, bool> isFrontend)
    {
        int freed = FreeEnded();
        ulong now = Now();
        EndOver(maps.Unanswered, count, now, connection => !connection.IsAnswered && !connection.Flags.HasFlag(ConnectionFlags.Closing));
        EndOver(maps.Closing, count, now, _ => true);
        var ended = new List<(int Id, uint Generation)>();
        for (int left = count; left > 0;)
        {
            var part = _part.AsSpan(0, Math.Min(Math.Min(left, _part.Length), Capacity - _next));
            maps.Read(_next, part);
            for (int i = 0; i < part.Length; i++)
            {
                Visit(_next + i, part[i], now, ended, isFrontend);
            }

            left -= part.Length;
            _next += part.Length;
            if (_next == Capacity)
            {
                FinishPass();
            }
        }

        if (ended.Count > 0)
        {
            _waiting.Enqueue((gracePeriods.Request(), ended));
        }

        return freed;
    }

    private static bool IsLive(uint generation) => (generation & 1) != 0;

    private ulong Now() => (ulong)(time.GetTimestamp() * (NanosecondsASecond / (double)time.TimestampFrequency));

    private bool IsOver(in ConnectionValue connection, ulong now) =>
        now > connection.LastSeenNs + (timeouts.For(connection) * NanosecondsASecond) + Patience;

    private void FinishPass()
    {
        InUse = _inUse;
        _inUse = 0;
        _next = 0;
        _losses.FinishPass();
        ref uint isInUse = ref maps.State[0].IsInUse;
        if (InUse > 0 || isInUse == 0)
        {
            return;
        }

        // A program sets the word before it takes an id: one that took it back in time is seen by a second look.
        Volatile.Write(ref isInUse, 0);
        for (int first = 0; first < Capacity; first += _part.Length)
        {
            var part = _part.AsSpan(0, Math.Min(_part.Length, Capacity - first));
            maps.Read(first, part);
            foreach (ref readonly var connection in part)
            {
                if (connection.Protocol != 0)
                {
                    Volatile.Write(ref isInUse, 1);
                    return;
                }
            }
        }
    }

    private void Visit(
        int id, in ConnectionValue connection, ulong now, List<(int Id, uint Generation)> ended, Func<Address, ushort, Protocol, bool> isFrontend)
    {
        if (connection.Protocol == 0)
        {
            return;
        }

        _inUse++;
        if (!IsLive(connection.Generation))
        {
            ended.Add((id, connection.Generation));
        }
        else if (connection.IsAnswered && !connection.Flags.HasFlag(ConnectionFlags.Closing) && IsOver(connection, now))
        {
            End(id, connection.Generation);
        }
        else
        {
            _losses.Visit(connection, isFrontend);
        }
    }

    /// <summary>A queue is in the order of age, or nearly: the first that has time left ends the walk.</summary>
    private void EndOver(BpfQueueMap<FlowWord> queue, int limit, ulong now, Func<ConnectionValue, bool> isOfQueue)
    {
        for (int i = 0; i < limit && queue.TryPeek(out var token) && !HasTime(token); i++)
        {
            // A program may have taken the one that was looked at; then this is a younger one.
            if (!queue.TryPop(out token))
            {
                return;
            }

            if (HasTime(token))
            {
                queue.TryPush(token);
                return;
            }

            if (IsOf(token, out _))
            {
                End((int)token.Connection, token.Generation);
            }
        }

        bool IsOf(FlowWord token, out ConnectionValue connection)
        {
            connection = maps.Read((int)token.Connection);
            return connection.Generation == token.Generation && isOfQueue(connection);
        }

        bool HasTime(FlowWord token) => IsOf(token, out var connection) && !IsOver(connection, now);
    }

    private void End(int id, uint generation) => maps.SetGeneration(id, (generation + 1) & FlowWord.MaxGeneration);

    private int FreeEnded()
    {
        int freed = 0;
        while (_waiting.TryPeek(out var batch) && gracePeriods.IsOver(batch.Ticket))
        {
            _waiting.Dequeue();
            foreach (var (id, generation) in batch.Ended)
            {
                freed += Free(id, generation) ? 1 : 0;
            }
        }

        return freed;
    }

    private bool Free(int id, uint generation)
    {
        var connection = maps.Read(id);
        if (connection.Generation != generation || connection.Protocol == 0)
        {
            return false;
        }

        foreach (var key in ConnectionFlows.Of(connection))
        {
            RemoveFlow(key, (uint)id);
        }

        maps.ClearProtocol(id);
        maps.Free.TryPush((uint)id);
        return true;
    }

    /// <summary>Removes a row, unless another connection has it by now.</summary>
    private void RemoveFlow(FlowKey key, uint id)
    {
        if (maps.Flows.TryGet(key, out var word) && word.Connection == id)
        {
            maps.Flows.TryDelete(key);
        }
    }
}
