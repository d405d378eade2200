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

    /// <summary>The same by datagrams, of which one may be lost: null then.</summary>
    public Answer? TryAsk()
    {
        _process.WriteLine();
        string line = _process.ReadLine();
        return line == ProbeClient.LostDatagram ? null : ProbeClient.ToAnswer(line);
    }

    /// <summary>Asks until there is an answer, by another socket where one fails.</summary>
    public Answer AskAnew()
    {
        _process.WriteLine();
        return ProbeClient.ToAnswer(_process.ReadLine(line => line.StartsWith("answer ", StringComparison.Ordinal)));
    }

    /// <summary>How asking fails, such as "send EDESTADDRREQ"; null where it is answered.</summary>
    public string? AskInVain()
    {
        _process.WriteLine();
        string line = _process.ReadLine();
        var words = ProbeClient.Words(line);
        return line.StartsWith("error ", StringComparison.Ordinal) ? $"{words["call"]} {words["errno"]}" : null;
    }

    public void Dispose() => _process.Dispose();
}
