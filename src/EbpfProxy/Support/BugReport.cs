using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace EbpfProxy.Support;

/// <summary>An archive of texts, out of which secrets are taken as they come in. What cannot be had says why in its place.</summary>
internal sealed class BugReport : IDisposable
{
    private readonly SecretScrubber _scrubber;
    private readonly GZipStream _compressed;
    private readonly TarWriter _archive;
    private readonly DateTimeOffset _now;
    private readonly List<string> _missing = [];

    public BugReport(Stream output, SecretScrubber scrubber, DateTimeOffset now)
    {
        _scrubber = scrubber;
        _now = now;
        _compressed = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true);
        _archive = new TarWriter(_compressed, TarEntryFormat.Ustar);
    }

    /// <summary>What could not be had, and why.</summary>
    public IReadOnlyList<string> Missing => _missing;

    public async Task AddAsync(string name, Func<Task<string>> read)
    {
        string text;
        try
        {
            text = await read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            text = $"not to be had: {e.Message}\n";
            _missing.Add($"{name}: {e.Message.ReplaceLineEndings(" ")}");
        }

        using var content = new MemoryStream(Encoding.UTF8.GetBytes(_scrubber.Scrub(text)));
        await _archive.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, $"ebpf-proxy-bugreport/{name}")
        {
            DataStream = content,
            ModificationTime = _now,
        });
    }

    public void Dispose()
    {
        _archive.Dispose();
        _compressed.Dispose();
    }
}
