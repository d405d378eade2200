using System.Globalization;

namespace EbpfProxy.Http;

/// <summary>Makes /statusz and /flagz.</summary>
/// <param name="version">Of this build.</param>
/// <param name="flags">The flags that the process was started with.</param>
/// <param name="paths">What is served beside them.</param>
/// <param name="time">The clock.</param>
internal sealed class StatusPages(
    string version, IReadOnlyDictionary<string, string> flags, IReadOnlyList<string> paths, TimeProvider time)
{
    private readonly DateTimeOffset _start = time.GetUtcNow();

    public StatusPage Status()
    {
        var up = time.GetUtcNow() - _start;
        string runtime = $".NET {Environment.Version}";
        string started = _start.UtcDateTime.ToString("ddd MMM dd HH:mm:ss 'UTC' yyyy", CultureInfo.InvariantCulture);
        return new StatusPage(
            "Statusz",
            [
                $"Started: {started}",
                $"Up: {(int)up.TotalHours} hr {up.Minutes:00} min {up.Seconds:00} sec",
                $"Go version: {runtime}",
                $"Binary version: {version}",
                $"Paths: {string.Join(' ', paths)}",
            ],
            [
                new("startTime", _start.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
                new("uptimeSeconds", (long)up.TotalSeconds),
                new("goVersion", runtime),
                new("binaryVersion", version),
                new("paths", paths),
            ]);
    }

    public StatusPage Flags() => new("Flagz", [.. flags.Select(flag => $"{flag.Key}={flag.Value}")], [new("flags", flags)]);
}
