using System.Globalization;

namespace LibBpfSharp;

/// <summary>The kernel's verifier refused a program. The message shows the last line that says why; <see cref="Log"/> has all of it.</summary>
public sealed class BpfVerifierException : BpfException
{
    private static readonly string[] Statistics = ["processed ", "verification time ", "stack depth ", "max_states_per_insn "];

    /// <summary>Describes a program that the verifier refused.</summary>
    /// <param name="programName">The program's name.</param>
    /// <param name="errno">The error number, positive.</param>
    /// <param name="log">The verifier's whole log.</param>
    public BpfVerifierException(string programName, int errno, string log)
        : base(Summarize(programName, errno, log), "load program", programName, errno)
    {
        Log = log;
    }

    /// <summary>The verifier's whole log.</summary>
    public string Log { get; }

    private static string Summarize(string programName, int errno, string log)
    {
        string[] lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string? reason = lines.LastOrDefault(line => !Statistics.Any(prefix => line.StartsWith(prefix, StringComparison.Ordinal)));
        if (reason is null)
        {
            return Describe("load program", programName, errno, target: null, details: null);
        }

        string omitted = lines.Length == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({lines.Length - 1} lines omitted)");
        return Describe("load program", programName, errno, target: null, reason + omitted);
    }
}
