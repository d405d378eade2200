using System.Globalization;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Probe;

/// <summary>Connections without a pause, until it is ended.</summary>
internal sealed class Load(LineProcess process) : IDisposable
{
    /// <summary>Waits until so many more were made.</summary>
    public void WaitForMore(int visits)
    {
        long enough = Visits() + visits;
        Eventually.Succeeds(
            () =>
            {
                long now = Visits();
                if (now < enough)
                {
                    throw new IOException($"{now} of {enough} connections");
                }
            },
            TimeSpan.FromSeconds(60));
    }

    /// <summary>Ends it; none may have failed.</summary>
    public void EndWithoutFailure()
    {
        process.CloseInput();
        process.WaitForExit();

        var total = ProbeClient.Words(process.Lines.Last(line => line.StartsWith("total ", StringComparison.Ordinal)));
        string failures = string.Join('\n', process.Lines.Where(line => line.StartsWith("failure ", StringComparison.Ordinal)));
        Assert.True(total["failures"] == "0", $"{total["failures"]} of {total["visits"]} failed:\n{failures}");
        Assert.NotEqual("0", total["visits"]);
    }

    public void Dispose() => process.Dispose();

    private long Visits()
    {
        process.WriteLine();
        string line = process.ReadLine(line => line.StartsWith("so-far ", StringComparison.Ordinal));
        return long.Parse(ProbeClient.Words(line)["visits"], CultureInfo.InvariantCulture);
    }
}
