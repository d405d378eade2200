using EbpfProxy.Controller.Objects;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Manifests;

/// <summary>
/// The files of a folder and the objects in them: *.yaml, *.yml and *.json, not those whose name begins with a dot. A file
/// that cannot be read, or is not YAML, keeps the objects that were last read of it. Not thread-safe.
/// </summary>
internal sealed class ManifestFolder(string folder, ManifestReader reader, IObjectFaults faults, ILogger logger)
{
    private static readonly string[] _extensions = [".yaml", ".yml", ".json"];

    private readonly SortedDictionary<string, Entry> _files = new(StringComparer.Ordinal);
    private string? _error;

    /// <summary>What cannot be read, the folder or a file in it, and why; null while everything can.</summary>
    public string? Error => _error ?? _files.Values.Select(f => f.Error).FirstOrDefault(error => error is not null);

    /// <summary>The objects of each file, by the file's name, in its order.</summary>
    public IEnumerable<KeyValuePair<string, ManifestContent>> Files =>
        _files.Select(f => KeyValuePair.Create(f.Key, f.Value.Content ?? ManifestContent.Empty));

    /// <summary>Whether every file could be read at least once.</summary>
    public bool IsWhole => _files.Values.All(f => f.Content is not null);

    public static bool IsManifest(string name) =>
        !name.StartsWith('.') && _extensions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads what is new. Returns whether the folder could be read and any object may have changed.</summary>
    /// <param name="distrustTimes">Whether to look into files whose time and size say that they are as before.</param>
    public bool Scan(bool distrustTimes)
    {
        if (ListNames() is not { } names)
        {
            return false;
        }

        bool isChanged = false;
        foreach (string gone in _files.Keys.Except(names).ToList())
        {
            _files.Remove(gone);
            isChanged = true;
        }

        foreach (string name in names)
        {
            isChanged |= ScanFile(name, distrustTimes);
        }

        return isChanged;
    }

    private static string ErrorOf(string path, Exception exception) => $"cannot read {path}: {exception.Message}";

    private HashSet<string>? ListNames()
    {
        try
        {
            var names = new DirectoryInfo(folder).EnumerateFiles().Select(f => f.Name).Where(IsManifest).ToHashSet();
            _error = null;
            return names;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be read says nothing about what was in it.
            if (_error is null)
            {
                Log.Unreadable(logger, folder, e.Message);
            }

            _error = ErrorOf(folder, e);
            return null;
        }
    }

    private bool ScanFile(string name, bool distrustTimes)
    {
        _files.TryGetValue(name, out var known);
        try
        {
            using var file = File.OpenHandle(Path.Combine(folder, name));
            var stamp = new Stamp(File.GetLastWriteTimeUtc(file), RandomAccess.GetLength(file));
            if (known is not null && !distrustTimes && known.Stamp == stamp)
            {
                return false;
            }

            byte[] bytes = File.ReadAllBytes(Path.Combine(folder, name));
            if (known is { Error: null } && known.Bytes.AsSpan().SequenceEqual(bytes))
            {
                _files[name] = known with { Stamp = stamp };
                return false;
            }

            _files[name] = new Entry(stamp, bytes, Parse(name, bytes) ?? known?.Content, Error: null);
            return true;
        }
        catch (FileNotFoundException)
        {
            // Removed since it was listed, or a link to nothing.
            return _files.Remove(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string path = Path.Combine(folder, name);
            if (known?.Error is null)
            {
                Log.Unreadable(logger, path, e.Message);
            }

            _files[name] = new Entry(default, [], known?.Content, ErrorOf(path, e));
            return known is null;
        }
    }

    private ManifestContent? Parse(string name, byte[] bytes)
    {
        try
        {
            using var text = new StreamReader(new MemoryStream(bytes));
            return reader.Read(name, text.ReadToEnd());
        }
        catch (YamlFormatException e)
        {
            faults.Report("Manifest", default, $"{name}:{e.Line}:{e.Column}", $"{e.Reason}; what the node has of it already stays");
            return null;
        }
    }

    private readonly record struct Stamp(DateTime Written, long Length);

    /// <param name="Stamp">When it was written, and its length.</param>
    /// <param name="Bytes">What it held when it was read.</param>
    /// <param name="Content">The objects that were last read of it; null where it never could be.</param>
    /// <param name="Error">Why it cannot be read now; null where it can.</param>
    private sealed record Entry(Stamp Stamp, byte[] Bytes, ManifestContent? Content, string? Error);
}
