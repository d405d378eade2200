namespace EbpfProxy.Controller.Events;

/// <summary>Takes events and sends them when it can. Nothing depends on them: none is waited for, and some may be lost. Thread-safe.</summary>
public interface IEventSink
{
    void Publish(ClusterEvent happened);

    /// <summary>Completes when what was published before is sent or given up.</summary>
    Task FlushAsync();
}

/// <summary>Where there is no cluster to tell.</summary>
public sealed class NoEvents : IEventSink
{
    public void Publish(ClusterEvent happened)
    {
    }

    public Task FlushAsync() => Task.CompletedTask;
}
