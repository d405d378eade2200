using System.Diagnostics;

namespace EbpfProxy.Testing.Kernel;

/// <summary>What a command left behind.</summary>
public sealed record ShellResult(int ExitCode, string Output, string Error);

/// <summary>Runs commands in bash, to the end. What was unpacked for the tests is on their path.</summary>
public static class Shell
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    /// <summary>Runs a script whose words stand in <c>$1</c>, <c>$2</c> and so on. A deadline of two minutes ends it, for a command that hangs.</summary>
    public static ShellResult Run(string script, params IEnumerable<string> words)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Repository.Path is { } repository)
        {
            start.Environment["PATH"] = $"{repository}/.artifacts/deps/bin:{start.Environment["PATH"]}";
        }

        foreach (string argument in (string[])["-c", script, "bash", .. words])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException("bash did not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Deadline))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"still running after {Deadline}: {script}");
        }

        return new ShellResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Runs a script that must succeed, and returns what it printed.</summary>
    public static string Require(string script, params IEnumerable<string> words)
    {
        var result = Run(script, words);
        return result.ExitCode == 0
            ? result.Output
            : throw new InvalidOperationException($"{script}: exit status {result.ExitCode}: {result.Error.Trim()}");
    }
}
