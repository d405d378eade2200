using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Probe;

/// <summary>One connection that stays open from question to question.</summary>
internal sealed class HeldConnection : IDisposable
{
    private readonly LineProcess _process;

    public HeldConnection(LineProcess process)
    {
        _process = process;
        Assert.Equal("ready", process.ReadLine());
    }

    public Answer Ask()
    {
        _process.WriteLine();
        return ProbeClient.ToAnswer(_process.ReadLine());
    }

    public void Dispose() => _process.Dispose();
}
