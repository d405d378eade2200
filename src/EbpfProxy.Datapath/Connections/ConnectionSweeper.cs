using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Frees the connections that are over. The programs judge age themselves; this only gives ids and rows back, a bounded
/// part of the table at a time, and tells the programs when there is nothing to look for.
/// <para>
/// A program that takes the token of a connection out of a queue (the unanswered, the closing), or has a packet that begins
/// anew, ends it and uses its id again at once. So who ends one here ends that generation alone; one that is over, and has a
/// token, after taking that. An ended one is freed a grace period later, if its generation is still the same: otherwise a program
/// was just filling it in.
/// </para>
/// Not thread-safe.
/// </summary>
/// <param name="maps">The connections.</param>
/// <param name="hints">Hears of the addresses of each connection in each pass.</param>
/// <param name="gracePeriods">Grace periods of the kernel.</param>
/// <param name="timeouts">After how long a connection is over.</param>
/// <param name="sourcePorts">The ports to mask clients with.</param>
/// <param name="time">The clock that programs have, too.</param>
/// <param name="freeing">Hears of each connection that is freed here, as it was.</param>
internal sealed class ConnectionSweeper(
    ConnectionMaps maps, AddressHints hints, IGracePeriods gracePeriods, TimeoutsValue timeouts, PortRange sourcePorts, TimeProvider time, Action<ConnectionValue> freeing)
{
    private const ulong NanosecondsASecond = 1_000_000_000;

    // A connection that has just come to its end is left to the programs, whose clock may be a second behind.
    private const ulong Patience = 2 * NanosecondsASecond;

    // Four rows each at most: as many as a call of the program changes.
    private const int FreedAtOnce = 16;

    // How many connections that have time left are moved from the head of a queue to its end in a step.
    private const int MostMoved = 1024;

    private readonly Queue<(long Ticket, List<(int Id, uint Generation)> Ended)> _waiting = new();
    private readonly FrontendLosses _losses = new(maps, sourcePorts);
    private readonly Lookout _turns = new();
    private readonly Lookout _lostSources = new();
    private readonly ConnectionValue[] _part = new ConnectionValue[1024];
    private int _next;
    private int _inUse;
    private int _overdue;
    private bool _isBlocked;
    private long? _secondLook;

    /// <summary>How many ids there are.</summary>
    public int Capacity => maps.Capacity;

    /// <summary>How many were in use when the table was last gone through.</summary>
    public int InUse { get; private set; }

    /// <summary>
    /// Says that a frontend goes: from now on the programs look for connections of packets to any address, until none has
    /// one that is no frontend. To be called before it is taken away.
    /// </summary>
    public void FrontendGoes() => _losses.Add();

    /// <summary>
    /// Says that a frontend leads to another service than before, or that it came: flows of UDP that ask it, and have a backend
    /// of the one before, are ended by the end of the next pass.
    /// </summary>
    public void FrontendTurns() => _turns.Begin();

    /// <summary>
    /// Says that an address of the node goes: connections that mask their client with it, whose answers would go there, are ended
    /// by the end of the next pass, as those of the kernel's own masquerade are. To be called when no new one gets it.
    /// </summary>
    public void SourceGoes() => _lostSources.Begin();

    /// <summary>Tells of the addresses of connections that an earlier run left; before programs come that need it.</summary>
    public void Adopt()
    {
        foreach (var connection in ReadAll())
        {
            hints.Expect(connection);
        }
    }

    /// <summary>Goes through the next <paramref name="count"/> ids, and frees what earlier calls ended.</summary>
    /// <param name="count">How many ids.</param>
    /// <param name="isFrontend">Whether an address, port and protocol are a frontend's.</param>
    /// <param name="hasTurned">Whether who asks them gets a backend of another service than the one named.</param>
    /// <param name="isOfNode">Whether an address is this node's.</param>
    /// <returns>How many connections were freed.</returns>
    public int Step(
        int count,
        Func<Address, ushort, Protocol, bool> isFrontend,
        Func<Address, ushort, Protocol, uint, bool> hasTurned,
        Func<Address, bool> isOfNode)
    {
        int freed = FreeEnded();
        LookAgain();
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
                Visit(_next + i, part[i], now, ended, isFrontend, hasTurned, isOfNode);
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

    /// <summary>
    /// Whether a connection that is over has no token by which it would have been ended long before: whoever took it was killed
    /// before it ended the connection, or found no place for it in the queue again; or an earlier build took a flow for
    /// answered, and its token for needless, though nobody went on after the answer.
    /// </summary>
    private bool HasNoToken(in ConnectionValue connection, ulong now)
    {
        ulong longest = Math.Max(timeouts.TcpSyn, Math.Max(timeouts.Udp, timeouts.Sctp));
        return now > connection.LastSeenNs + ((timeouts.For(connection) + (4 * longest)) * NanosecondsASecond);
    }

    private void FinishPass()
    {
        InUse = _inUse;
        _inUse = 0;
        _next = 0;
        _isBlocked = _overdue > 0;
        _overdue = 0;
        _losses.FinishPass();
        _turns.FinishPass();
        _lostSources.FinishPass();
        hints.FinishPass();
        ref uint isInUse = ref maps.State[0].IsInUse;
        if (InUse > 0 || isInUse == 0)
        {
            return;
        }

        // This pass has not seen what began behind it. From a grace period after this word on, programs say the other one
        // before they make a connection, and what was made before can be seen.
        Volatile.Write(ref isInUse, (uint)PathUse.InDoubt);
        _secondLook = gracePeriods.Request();
        LookAgain();
    }

    /// <summary>Says that there are no connections, if none is there and none was made since that was doubted.</summary>
    private void LookAgain()
    {
        if (_secondLook is not { } ticket || !gracePeriods.IsOver(ticket))
        {
            return;
        }

        _secondLook = null;
        if (HasConnections())
        {
            return;
        }

        Interlocked.CompareExchange(ref maps.State[0].IsInUse, (uint)PathUse.NotInUse, (uint)PathUse.InDoubt);
    }

    private bool HasConnections() => ReadAll().Any();

    /// <summary>The connections in use.</summary>
    private IEnumerable<ConnectionValue> ReadAll()
    {
        for (int first = 0; first < Capacity; first += _part.Length)
        {
            int length = Math.Min(_part.Length, Capacity - first);
            maps.Read(first, _part.AsSpan(0, length));
            for (int i = 0; i < length; i++)
            {
                if (_part[i].Protocol != 0)
                {
                    yield return _part[i];
                }
            }
        }
    }

    private void Visit(
        int id, in ConnectionValue connection, ulong now, List<(int Id, uint Generation)> ended,
        Func<Address, ushort, Protocol, bool> isFrontend, Func<Address, ushort, Protocol, uint, bool> hasTurned, Func<Address, bool> isOfNode)
    {
        if (connection.Protocol == 0)
        {
            return;
        }

        _inUse++;
        hints.Expect(connection);
        if (!IsLive(connection.Generation))
        {
            ended.Add((id, connection.Generation));
        }
        else if (!IsOver(connection, now))
        {
            bool hasTurnedAway = _turns.IsOut && connection.Protocol == (byte)Protocol.Udp && hasTurned(
                connection.Frontend.ToAddress(), connection.FrontendPort, Protocol.Udp, connection.Service);
            if (hasTurnedAway || (_lostSources.IsOut && HasLostSource(connection, isOfNode)))
            {
                maps.End(id, connection.Generation);
            }

            _losses.Visit(connection, isFrontend);
        }
        else if ((connection.IsAnswered && !connection.Flags.HasFlag(ConnectionFlags.Closing)) || HasNoToken(connection, now))
        {
            maps.End(id, connection.Generation);
        }
        else
        {
            _overdue++;
        }
    }

    /// <summary>What the node asks itself comes from the frontend's address, which need not be the node's.</summary>
    private static bool HasLostSource(in ConnectionValue connection, Func<Address, bool> isOfNode) =>
        connection.Flags.HasFlag(ConnectionFlags.SourceChosen)
        && !(connection.Flags.HasFlag(ConnectionFlags.FromNode) && connection.Source == connection.Frontend)
        && !isOfNode(connection.Source.ToAddress());

    /// <summary>
    /// A queue is in the order of age, or nearly: the first that has time left ends the walk. Unless others are over that
    /// wait behind it: its packets renewed it, and it goes to the end.
    /// </summary>
    private void EndOver(BpfQueueMap<FlowWord> queue, int limit, ulong now, Func<ConnectionValue, bool> isOfQueue)
    {
        int movable = _isBlocked ? MostMoved : 0;
        FlowWord? firstMoved = null;
        for (int i = 0; i < limit && queue.TryPeek(out var token) && (!HasTime(token) || (movable > 0 && token != firstMoved)); i++)
        {
            // A program may have taken the one that was looked at; then this is a younger one.
            if (!queue.TryPop(out token))
            {
                return;
            }

            if (HasTime(token))
            {
                queue.TryPush(token);
                firstMoved ??= token;
                if (--movable < 0)
                {
                    return;
                }

                continue;
            }

            if (IsOf(token, out _))
            {
                maps.End((int)token.Connection, token.Generation);
            }
        }

        bool IsOf(FlowWord token, out ConnectionValue connection)
        {
            connection = maps.Read((int)token.Connection);
            return connection.Generation == token.Generation && isOfQueue(connection);
        }

        bool HasTime(FlowWord token) => IsOf(token, out var connection) && !IsOver(connection, now);
    }

    private int FreeEnded()
    {
        int freed = 0;
        while (_waiting.TryPeek(out var batch) && gracePeriods.IsOver(batch.Ticket))
        {
            _waiting.Dequeue();
            foreach (var part in batch.Ended.Chunk(FreedAtOnce))
            {
                freed += Free(part);
            }
        }

        return freed;
    }

    /// <summary>Frees those of them that no program has taken; their rows go first.</summary>
    private int Free((int Id, uint Generation)[] ended)
    {
        List<(int Id, ConnectionValue Connection)> free = [];
        List<FlowChange> rows = [];
        foreach (var (id, generation) in ended)
        {
            var connection = maps.Read(id);
            if (connection.Generation == generation && connection.Protocol != 0)
            {
                free.Add((id, connection));
                rows.AddRange(RowsOf(id, connection));
            }
        }

        maps.Flows.Change(CollectionsMarshal.AsSpan(rows));
        foreach (var (id, connection) in free)
        {
            freeing(connection);
            maps.ClearProtocol(id);
            maps.Free.TryPush((uint)id);
        }

        return free.Count;
    }

    /// <summary>How the rows of a connection that has ended are removed, those that no other one has by now.</summary>
    private IEnumerable<FlowChange> RowsOf(int id, ConnectionValue connection)
    {
        uint generation = (connection.Generation - 1) & FlowWord.MaxGeneration;
        return ConnectionFlows.Of(connection)
            .Select(row => new FlowChange(maps.Flows.DigestOf(row.Key), new FlowWord((uint)id, generation, row.Role), FlowWord.Gone));
    }
}
