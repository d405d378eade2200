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

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> _said = new(StringComparer.Ordinal);

    /// <summary>Tries until it is done, or once. Returns the exit code.</summary>
    public async Task<int> RunAsync(Func<StepResult> step, CancellationToken token)
    {
        while (true)
        {
            var result = step();
            if (result == StepResult.Done || !waits || isDryRun)
            {
                return result == StepResult.Done ? 0 : Cli.Failure;
            }

            await Task.Delay(_interval, token);
        }
    }

    /// <summary>Tells something that was not told yet.</summary>
    public void Say(string line)
    {
        if (_said.Add(line))
        {
            output.WriteLine(line);
            output.Flush();
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
}
