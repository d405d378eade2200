using EbpfProxy.Controller.Cache;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Tests.Cache;

/// <summary>The table of section 6.7 of the reference: which times a programming latency is measured from.</summary>
public sealed class TriggerTimeTests : IDisposable
{
    private static readonly DateTimeOffset _start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly ClusterCache _cache = new(new NoListener(), _start);

    /// <summary>Each slice has another endpoint: one that changes nothing is not measured.</summary>
    private uint _address;

    public void Dispose() => _cache.Dispose();

    /// <summary>A step is the slice and the second after the start that its annotation names; none behind @ is no annotation, - is its end.</summary>
    [Theory]
    [InlineData("ep1@1", "1")]
    [InlineData("ep1@1 ep1@2", "1 2")]
    [InlineData("ep1@1 ep2@2 ep1@3", "1 2 3")]
    [InlineData("ep1@", "")]
    [InlineData("ep1@-60", "")]
    [InlineData("ep1@0", "")]
    [InlineData("ep1@1 ep1-", "")]
    [InlineData("ep1@1 ep1- ep1@2", "2")]
    [InlineData("ep1-", "")]
    [InlineData("ep1@1 ep2@2 ep1-", "2")]
    public void Times_are_those_of_the_changes_that_are_applied(string steps, string expected)
    {
        Sync();

        Play(steps);

        Assert.Equal(expected, string.Join(' ', Taken()));
    }

    [Fact]
    public void What_is_taken_is_not_measured_again()
    {
        Sync();
        Play("ep1@1");
        Taken();

        Play("ep1@2");

        Assert.Equal([2.0], Taken());
    }

    [Fact]
    public void The_first_list_counts_where_it_tells_of_changes_since_the_start()
    {
        Play("ep1@-1 ep2@1");
        Sync(lists: false);

        Assert.Equal([1.0], Taken());
    }

    [Fact]
    public void A_slice_counts_for_its_family()
    {
        Sync();

        _cache.SetSlice(Sample.Slice("ep1-1", "ep1") with { Family = IpFamily.IPv6, TriggerTime = _start.AddSeconds(1) });

        Assert.Equal(IpFamily.IPv6, Assert.Single(_cache.Take(everything: false).TriggerTimes).Family);
    }

    private void Play(string steps)
    {
        foreach (string step in steps.Split(' '))
        {
            string service = step[..3];
            var name = Sample.Name($"{service}-1");
            if (step[3] == '-')
            {
                _cache.RemoveSlice(name);
                continue;
            }

            DateTimeOffset? trigger = step.Length > 4 ? _start.AddSeconds(int.Parse(step[4..], System.Globalization.CultureInfo.InvariantCulture)) : null;
            _cache.SetSlice(Sample.Slice(name.Name, service, ++_address) with { TriggerTime = trigger });
        }
    }

    private IEnumerable<double> Taken() =>
        [.. _cache.Take(everything: false).TriggerTimes.Select(trigger => (trigger.Time - _start).TotalSeconds).Order()];

    private void Sync(bool lists = true)
    {
        using var services = _cache.BeginServices();
        services.Add(Sample.Service("ep1"));
        services.Add(Sample.Service("ep2"));
        services.Complete();
        using var slices = _cache.BeginSlices();
        if (!lists)
        {
            slices.Add(Sample.Slice("ep1-1", "ep1", 1));
            slices.Add(Sample.Slice("ep2-1", "ep2", 2));
        }

        slices.Complete();
        _cache.SetNode(null);
    }
}
