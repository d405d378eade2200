namespace EbpfProxy.Commands;

/// <summary>How far a command came.</summary>
internal enum StepResult
{
    Done,

    /// <summary>Something has to come about first, which was said.</summary>
    Stuck,
}

/// <summary>
/// How a command that changes the node goes about it: says each thing once, does nothing on a dry run, and waits where it is to wait.
/// </summary>
internal sealed class Pace(bool isDryRun, bool waits, TextWriter output)
{
    /// <summary>How many of many things are named.</summary>
    public const int Examples = 5;

    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(5);

    private readonly HashSet<string> _said = new(StringComparer.Ordinal);
    private string _reported = "";

    /// <summary>Tries until it is done, or once. Returns the exit code.</summary>
    /// <remarks>What takes long is looked at less often: a look may cost as much as the node has connections.</remarks>
    public async Task<int> RunAsync(Func<StepResult> step, CancellationToken token)
    {
        for (var interval = _shortest; ; interval = TimeSpan.FromTicks(Math.Min(interval.Ticks * 5 / 4, _longest.Ticks)))
        {
            var result = step();
            if (result == StepResult.Done || !waits || isDryRun)
            {
                return result == StepResult.Done ? 0 : Cli.Failure;
            }

            await Task.Delay(interval, token);
        }
    }

    /// <summary>Tells something that was not told yet.</summary>
    public void Say(string line)
    {
        if (_said.Add(line))
        {
            Write(line);
        }
    }

    /// <summary>Tells how far it is, where that has changed.</summary>
    public void Report(string line)
    {
        if (line != _reported)
        {
            _reported = line;
            Write(line);
        }
    }

    /// <summary>Does something, or says that it would.</summary>
    /// <param name="plan">What it is: "remove this".</param>
    /// <param name="outcome">What has come of it, in a sentence.</param>
    /// <param name="action">Does it.</param>
    public void Do(string plan, string outcome, Action action)
    {
        if (isDryRun)
        {
            Say($"Would {plan}");
            return;
        }

        action();
        Say(outcome);
    }

    private void Write(string line)
    {
        output.WriteLine(line);
        output.Flush();
    }
}
