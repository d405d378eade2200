using System.Runtime.CompilerServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Frees the connections that are over. The programs judge age themselves; this only gives ids and rows back, a bounded
/// part of the table at a time, and tells the programs when there is nothing to look for.
/// <para>
/// A connection that was answered may be ended by anyone. One that was not may be ended only by who took its token out of
/// the queue of the unanswered, because a program that did so uses the id again at once. An ended one is freed a grace
/// period later, if its generation is still the same: otherwise a program was just filling it in.
/// </para>
/// Not thread-safe.
/// </summary>
internal sealed class ConnectionSweeper(ConnectionMaps maps, IGracePeriods gracePeriods, TimeoutsValue timeouts, TimeProvider time)
{
    // In struct connection.
    private const nint ProtocolOffset = 74;
    private const nint GenerationOffset = 92;

    private const ulong NanosecondsASecond = 1_000_000_000;

    // A connection that has just come to its end is left to the programs, whose clock may be a second behind.
    private const ulong Patience = 2 * NanosecondsASecond;

    private readonly Queue<(long Ticket, List<(int Id, uint Generation)> Ended)> _waiting = new();
    private readonly FrontendLosses _losses = new(maps);
    private int _next;
    private int _inUse;

    /// <summary>How many ids there are.</summary>
    public int Capacity => maps.Connections.Length;

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
        EndUnanswered(count);
        var ended = new List<(int Id, uint Generation)>();
        ulong now = Now();
        for (int i = 0; i < count; i++)
        {
            Visit(_next, now, ended, isFrontend);
            if (++_next == Capacity)
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

    private static bool IsOver(in ConnectionValue connection, ulong now, in TimeoutsValue timeouts) =>
        now > connection.LastSeenNs + (timeouts.For(connection) * NanosecondsASecond) + Patience;

    private ulong Now() => (ulong)(time.GetTimestamp() * (NanosecondsASecond / (double)time.TimestampFrequency));

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
        for (int id = 0; id < Capacity; id++)
        {
            if (maps.Connections[id].Protocol != 0)
            {
                Volatile.Write(ref isInUse, 1);
                return;
            }
        }
    }

    private void Visit(int id, ulong now, List<(int Id, uint Generation)> ended, Func<Address, ushort, Protocol, bool> isFrontend)
    {
        ref var place = ref maps.Connections[id];
        var connection = place;
        if (connection.Protocol == 0)
        {
            return;
        }

        _inUse++;
        if (!IsLive(connection.Generation))
        {
            ended.Add((id, connection.Generation));
        }
        else if (connection.SeenAnswer != SeenFlags.None && IsOver(connection, now, timeouts))
        {
            End(id, connection.Generation);
        }
        else
        {
            _losses.Visit(connection, isFrontend);
        }
    }

    /// <summary>The queue is in the order of opening: the first that has time left ends the walk.</summary>
    private void EndUnanswered(int limit)
    {
        ulong now = Now();
        for (int i = 0; i < limit && maps.Unanswered.TryPeek(out var token) && (IsAnsweredOrEnded(token) || IsOver(Read(token), now, timeouts)); i++)
        {
            if (!maps.Unanswered.TryPop(out token) || IsAnsweredOrEnded(token))
            {
                continue;
            }

            if (IsOver(Read(token), now, timeouts))
            {
                End((int)token.Connection, token.Generation);
            }
            else
            {
                // A program took the one that was looked at; this is a younger one.
                maps.Unanswered.TryPush(token);
            }
        }
    }

    private ConnectionValue Read(FlowWord token) => maps.Connections[(int)token.Connection];

    private bool IsAnsweredOrEnded(FlowWord token)
    {
        var connection = Read(token);
        return connection.Generation != token.Generation || connection.SeenAnswer != SeenFlags.None;
    }

    private void End(int id, uint generation)
    {
        ref uint place = ref Unsafe.As<ConnectionValue, uint>(ref Unsafe.AddByteOffset(ref maps.Connections[id], GenerationOffset));
        Volatile.Write(ref place, (generation + 1) & FlowWord.MaxGeneration);
    }

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
        ref var place = ref maps.Connections[id];
        var connection = place;
        if (connection.Generation != generation || connection.Protocol == 0)
        {
            return false;
        }

        foreach (var key in ConnectionFlows.Of(connection))
        {
            RemoveFlow(key, (uint)id);
        }

        Unsafe.AddByteOffset(ref Unsafe.As<ConnectionValue, byte>(ref place), ProtocolOffset) = 0;
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
