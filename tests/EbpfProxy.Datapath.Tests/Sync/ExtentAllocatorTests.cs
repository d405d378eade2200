using EbpfProxy.Datapath.Sync;

namespace EbpfProxy.Datapath.Tests.Sync;

public sealed class ExtentAllocatorTests
{
    [Fact]
    public void Runs_never_overlap_and_join_again_when_they_are_released()
    {
        var random = new Random(1);
        var allocator = new ExtentAllocator();
        allocator.Grow(500);
        bool[] taken = new bool[500];
        var held = new List<(uint Begin, uint Length)>();
        for (int i = 0; i < 5000; i++)
        {
            uint length = (uint)random.Next(1, 20);
            if (random.Next(2) == 0 && allocator.TryAllocate(length, out uint begin))
            {
                Assert.DoesNotContain(true, taken.AsSpan((int)begin, (int)length).ToArray());
                taken.AsSpan((int)begin, (int)length).Fill(true);
                held.Add((begin, length));
            }
            else if (held.Count > 0)
            {
                var run = held[random.Next(held.Count)];
                held.Remove(run);
                taken.AsSpan((int)run.Begin, (int)run.Length).Clear();
                allocator.Release(run.Begin, run.Length);
            }
        }

        held.ForEach(run => allocator.Release(run.Begin, run.Length));

        Assert.True(allocator.TryAllocate(500, out uint all));
        Assert.Equal(0u, all);
        Assert.Equal(0u, allocator.Free);
    }

    [Fact]
    public void What_was_in_use_before_a_restart_is_not_handed_out()
    {
        var allocator = ExtentAllocator.Restore(10, [(6, 2), (0, 3)]);

        Assert.True(allocator.TryAllocate(3, out uint middle));
        Assert.Equal(3u, middle);
        Assert.True(allocator.TryAllocate(2, out uint end));
        Assert.Equal(8u, end);
        Assert.False(allocator.TryAllocate(1, out _));
    }

    [Fact]
    public void Growth_joins_the_free_end()
    {
        var allocator = new ExtentAllocator();
        allocator.Grow(4);
        allocator.TryAllocate(2, out _);

        allocator.Grow(8);

        Assert.True(allocator.TryAllocate(6, out uint begin));
        Assert.Equal(2u, begin);
    }
}
