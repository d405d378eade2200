namespace EbpfProxy.Options;

/// <summary>What is wrong with flags and files, each named by its flag or field. Any error keeps the proxy from starting.</summary>
internal sealed class Problems
{
    private readonly List<string> _errors = [];
    private readonly List<string> _warnings = [];

    public IReadOnlyList<string> Errors => _errors;

    public IReadOnlyList<string> Warnings => _warnings;

    public void Error(string name, string message) => _errors.Add($"{name}: {message}");

    public void Warn(string message) => _warnings.Add(message);
}
