using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Probe;

/// <summary>Many connections that stay open together; each hears only the answers to its own questions, and from one backend.</summary>
internal sealed class Crowd(LineProcess process, int count) : IDisposable
{
    /// <summary>Waits until all have asked for the first time.</summary>
    public void AssertAnswered()
    {
        string line = process.ReadLine(line => line.StartsWith("round ", StringComparison.Ordinal));
        string failures = string.Join('\n', process.Lines.Where(line => line.StartsWith("failure ", StringComparison.Ordinal)));
        Assert.True(line == $"round members={count} failures=0", $"{line}\n{failures}");
    }

    /// <summary>All ask once more.</summary>
    public void AskAgain()
    {
        process.WriteLine();
        AssertAnswered();
    }

    public void Dispose() => process.Dispose();
}
