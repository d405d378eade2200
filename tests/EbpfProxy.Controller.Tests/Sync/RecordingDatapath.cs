using System.Threading.Channels;
using EbpfProxy.Datapath;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Tests.Sync;

/// <summary>A datapath that keeps what it is asked to do, and can fail or wait.</summary>
internal sealed class RecordingDatapath : IServiceDatapath
{
    private readonly Channel<Call> _calls = Channel.CreateUnbounded<Call>();
    private readonly Channel<IReadOnlyCollection<Prefix>> _prefixes = Channel.CreateUnbounded<IReadOnlyCollection<Prefix>>();

    /// <summary>How many of the next calls fail.</summary>
    public int Failures { get; set; }

    /// <summary>What each call waits for before it returns.</summary>
    public Func<Task> Gate { get; set; } = () => Task.CompletedTask;

    /// <summary>The node that the last call came with.</summary>
    public ClusterNode? Node { get; private set; }


    public void SetNode(ClusterNode? node) => Node = node;

    public void SetServicePrefixes(IReadOnlyCollection<Prefix> prefixes) => _prefixes.Writer.TryWrite(prefixes);

    public ApplyResult Apply(IReadOnlyCollection<ServiceChange> changes, bool isComplete)
    {
        bool fails = Failures-- > 0;
        _calls.Writer.TryWrite(new Call([.. changes.OrderBy(c => c.Service)], isComplete));
        Gate().GetAwaiter().GetResult();
        return fails ? throw new IOException("update services: ENOMEM") : new ApplyResult(changes.Count, changes.Count);
    }

    public bool TryTake(out Call call) => _calls.Reader.TryRead(out call!);

    public async Task<Call> NextAsync() =>
        await _calls.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    /// <summary>Waits until just these service prefixes are set.</summary>
    public async Task PrefixesAre(IReadOnlyCollection<Prefix> expected)
    {
        while (!(await _prefixes.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20))).SequenceEqual(expected))
        {
        }
    }

    public sealed record Call(IReadOnlyList<ServiceChange> Changes, bool IsComplete)
    {
        public IEnumerable<string> Names => Changes.Select(c => (c.Tables is null ? "-" : "+") + c.Service.Name);
    }
}
