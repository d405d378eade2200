using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Node;
using EbpfProxy.Testing.Threads;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.Connections;

/// <summary>
/// Rows of flows as programs change them; most of all those whose home is full. The digests are small numbers, which have one home:
/// the low half says it.
/// </summary>
public sealed class FlowTableTests : IDisposable
{
    private const uint Homes = 4;
    private const int Rounds = 20_000;

    private readonly BpfObject _object = BpfObject.Open(TcObject.Read(), "flows");
    private readonly FlowTable _table;

    public FlowTableTests()
    {
        TcObject.LoadOnly(_object, [FlowTable.ChangeRowsProgram]);
        _object.GetMap(TableNames.Flows).MaxEntries = FlowTable.LengthFor(Homes);
        _object.SetGlobal("flow_homes", Homes);
        _object.Load();
        _table = new FlowTable(_object.GetMap(TableNames.Flows).Map, _object.GetProgram(FlowTable.ChangeRowsProgram).Program, FlowSecret.New());
    }

    public void Dispose() => _object.Dispose();

    [KernelFact]
    public void Row_is_added_once_changed_from_what_it_is_and_removed()
    {
        Assert.True(Add(7, Word(1)));
        Assert.False(Add(7, Word(2)));
        Assert.False(Change(7, Word(2), Word(3)));
        Assert.True(Change(7, Word(1), Word(3)));
        Assert.Equal([Word(3)], RowsOf(7));

        Assert.True(Remove(7, Word(3)));
        Assert.False(Remove(7, Word(3)));
        Assert.Empty(_table.ReadAll());
        Assert.True(Add(7, Word(4)));
        Assert.Equal([Word(4)], RowsOf(7));
    }

    [KernelFact]
    public void Rows_for_which_their_home_has_no_room_are_behind_the_homes()
    {
        Fill(FlowBucket.Length + 3);

        ulong behind = FlowBucket.Length + 1;
        Assert.False(Add(behind, Word(99)));
        Assert.True(Change(behind, Word((uint)behind), Word(99)));
        Assert.Equal([Word(99)], RowsOf(behind));
        Assert.True(Remove(behind, Word(99)));
        Assert.Empty(RowsOf(behind));
    }

    /// <summary>Its home has room again, but the row stays where it is.</summary>
    [KernelFact]
    public void Row_behind_the_homes_is_not_added_at_home_once_more()
    {
        Fill(FlowBucket.Length + 1);
        Assert.True(Remove(3, Word(3)));

        ulong behind = FlowBucket.Length;
        Assert.False(Add(behind, Word(99)));
        Assert.Equal([Word((uint)behind)], RowsOf(behind));
        Assert.True(Add(100, Word(100)));
    }

    [KernelFact]
    public void Row_for_which_there_is_no_room_at_all_is_not_added()
    {
        Fill(2 * FlowBucket.Length);

        Assert.False(Add(100, Word(100)));
        Assert.True(Remove(12, Word(12)));
        Assert.True(Add(100, Word(100)));
        Assert.Equal([Word(100)], RowsOf(100));
    }

    [KernelFact]
    public void Home_that_was_full_is_as_new_when_its_rows_and_those_behind_are_gone()
    {
        Fill(FlowBucket.Length + 1);
        for (uint number = 0; number < FlowBucket.Length; number++)
        {
            Assert.True(Remove(number, Word(number)));
        }

        // One is behind yet, and is to be found there.
        Assert.False(Add(FlowBucket.Length, Word(99)));
        Assert.NotEqual(0ul, PlacesOfHome()[^1].Bits);

        Assert.True(Remove(FlowBucket.Length, Word(FlowBucket.Length)));
        Assert.All(PlacesOfHome(), word => Assert.Equal(0ul, word.Bits));
    }

    [KernelFact]
    public void Places_behind_the_last_row_of_a_home_are_empty()
    {
        Fill(5);

        Remove(1, Word(1));
        Remove(3, Word(3));
        Remove(4, Word(4));

        Assert.Equal([true, true, true, false, false, false, false, false], PlacesOfHome().Select(word => word.Bits != 0));
    }

    /// <summary>A home becomes as new at the moment when a row is added behind it.</summary>
    [KernelFact]
    public void Row_that_is_added_behind_a_home_that_gets_room_is_found()
    {
        int lost = 0;
        FlowChange[] last = [new(FlowBucket.Length - 1, Word(FlowBucket.Length - 1), FlowWord.Gone)];
        FlowChange[] all = [.. Enumerable.Range(0, FlowBucket.Length).Select(i => new FlowChange((ulong)i, Word((uint)i), FlowWord.Gone))];

        AtOnce(
            () => Add(50, Word(1)),
            round =>
            {
                Thread.SpinWait(round % 40);
                _table.Change(round % 2 == 0 ? last : all);
            },
            () =>
            {
                // Nobody adds it once more who finds it.
                lost += Add(50, Word(3)) || !Change(50, Word(1), Word(2)) ? 1 : 0;
                RowsOf(50).ForEach(word => Remove(50, word));
                _table.Change([.. all.Select(row => new FlowChange(row.Digest, default, row.Before))]);
            });

        Assert.Equal(0, lost);
    }

    [KernelFact]
    public void Many_changes_are_made_in_one_call_and_counted()
    {
        Fill(FlowBucket.Length);
        FlowChange[] removals = [.. Enumerable.Range(0, 150).Select(i => new FlowChange((ulong)i, Word((uint)i), FlowWord.Gone))];

        Assert.Equal(FlowBucket.Length, _table.Change(removals));
        Assert.Empty(_table.ReadAll());
    }

    /// <summary>Two first packets of one flow while its home gets room, or has none: it gets one connection, or none at this moment.</summary>
    [KernelFact]
    public void Row_that_two_add_at_once_is_there_once_at_most()
    {
        int most = 0;

        AtOnce(
            () => Add(50, Word(1)),
            round =>
            {
                // Room at home for who comes after this; at once, because it is a short time that the other looks in both.
                Thread.SpinWait(round % 40);
                _table.Change([new FlowChange(0, Word(0), FlowWord.Gone), new FlowChange(50, default, Word(2))]);
            },
            () =>
            {
                var rows = RowsOf(50);
                most = Math.Max(most, rows.Count);
                rows.ForEach(word => Remove(50, word));
                Add(0, Word(0));
            });

        Assert.Equal(1, most);
    }

    private static FlowWord Word(uint connection) => new(connection, 1, FlowRole.Ask);

    /// <summary>Does two things at once with a home that is full, over and over, and something after both.</summary>
    private void AtOnce(Action first, Action<int> second, Action after)
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "needs two CPUs");
        Fill(FlowBucket.Length);
        using var meeting = new Meeting();
        var other = Task.Run(
            () =>
            {
                for (int round = 0; round < Rounds; round++)
                {
                    meeting.Meet();
                    first();
                    meeting.Meet();
                }
            },
            TestContext.Current.CancellationToken);
        for (int round = 0; round < Rounds; round++)
        {
            meeting.Meet();
            second(round);
            meeting.Meet();
            after();
        }

        other.Wait(TestContext.Current.CancellationToken);
    }

    private FlowWord[] PlacesOfHome()
    {
        var buckets = new FlowBucket[1];
        _table.Read(0, buckets);
        return [.. ((ReadOnlySpan<FlowRow>)buckets[0]).ToArray().Select(row => row.Word)];
    }

    private void Fill(int count)
    {
        for (uint number = 0; number < count; number++)
        {
            Assert.True(Add(number, Word(number)));
        }

        Assert.Equal(count, _table.ReadAll().Count);
    }

    private bool Add(ulong number, FlowWord word) => Change(number, default, word);

    private bool Remove(ulong number, FlowWord word) => Change(number, word, FlowWord.Gone);

    private bool Change(ulong number, FlowWord before, FlowWord after) => _table.Change([new FlowChange(number, before, after)]) == 1;

    private List<FlowWord> RowsOf(ulong number) => [.. _table.ReadAll().Where(row => row.Digest == number).Select(row => row.Word)];
}
