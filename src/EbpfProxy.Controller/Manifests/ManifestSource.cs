using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Manifests;

/// <summary>
/// A folder of manifests in the place of an API server: Services, EndpointSlices, Nodes and ServiceCIDRs, several documents
/// a file, followed live. From the cache on everything is as with a cluster.
/// </summary>
public sealed class ManifestSource : BackgroundService
{
    private static readonly TimeSpan _rescan = TimeSpan.FromSeconds(5);

    private readonly string _folder;
    private readonly string _nodeName;
    private readonly ClusterNode _defaultNode;
    private readonly IClusterSink _sink;
    private readonly IObjectFaults _faults;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ManifestFolder _files;
    private HashSet<(string Kind, ObjectName Name)> _duplicates = [];
    private bool _wasWhole;
    private volatile string? _error;

    public ManifestSource(
        string folder,
        string nodeName,
        IClusterSink sink,
        IObjectFaults faults,
        TimeProvider time,
        ILogger<ManifestSource> logger,
        bool readsExternalIPs = true)
    {
        _folder = Path.GetFullPath(folder);
        _nodeName = nodeName;

        // Without a cluster there is no one to say that the node shall get no traffic.
        _defaultNode = new ClusterNode(nodeName, "", [], IsDeleted: false, IsLeaving: false);
        _sink = sink;
        _faults = faults;
        _time = time;
        _logger = logger;
        _files = new ManifestFolder(_folder, new ManifestReader(nodeName, faults, logger, readsExternalIPs), faults, logger);
    }

    /// <summary>What cannot be read, the folder or a file in it, and why; null while everything can. May be read from any thread.</summary>
    public string? Error => _error;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var watcher = new FolderWatcher(_folder, _rescan, _time, _logger);
        bool isPublished = false;
        bool distrustTimes = true;
        while (true)
        {
            // Watched before it is read: what changes in between is read twice rather than not at all.
            watcher.Start();
            bool isEmptyFirst = !isPublished && Directory.Exists(_folder);
            bool isChanged = _files.Scan(distrustTimes);
            _error = _files.Error;
            if (isChanged || isEmptyFirst)
            {
                Publish();
                isPublished = true;
            }

            distrustTimes = await watcher.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
    }

    private void Publish()
    {
        var files = _files.Files.ToList();
        var contents = files.ConvertAll(f => f.Value);
        var duplicates = new HashSet<(string, ObjectName)>();

        // A file that is broken when the daemon starts may hold what an earlier run put into the maps.
        _wasWhole |= _files.IsWhole;
        _sink.KeepUnknown(!_wasWhole);

        // Slices first: a Service that comes with its slices has endpoints from its first moment on.
        int slices = Publish(_sink.BeginSlices(), "EndpointSlice", files, c => c.Slices, s => s.Name, duplicates);
        int services = Publish(_sink.BeginServices(), "Service", files, c => c.Services, s => s.Name, duplicates);

        // The node last: with it the first lists are complete, and nobody waits for prefixes.
        _sink.SetServicePrefixes([.. contents.SelectMany(c => c.ServiceCidrs).SelectMany(c => c.Prefixes)]);
        _sink.SetNode(contents.SelectMany(c => c.Nodes).FirstOrDefault(n => n.Name == _nodeName) ?? _defaultNode);
        _duplicates = duplicates;
        Log.Read(_logger, contents.Count, _folder, services, slices);
    }

    /// <summary>Hands over a full list. Of two objects of one name the first counts.</summary>
    private int Publish<T>(
        IObjectList<T> list,
        string kind,
        IEnumerable<KeyValuePair<string, ManifestContent>> files,
        Func<ManifestContent, IEnumerable<T>> objectsOf,
        Func<T, ObjectName> nameOf,
        HashSet<(string, ObjectName)> duplicates)
    {
        using (list)
        {
            var names = new Dictionary<ObjectName, string>();
            foreach (var (file, item) in files.SelectMany(f => objectsOf(f.Value).Select(item => (f.Key, item))))
            {
                var name = nameOf(item);
                if (names.TryAdd(name, file))
                {
                    list.Add(item);
                }
                else if (duplicates.Add((kind, name)) && !_duplicates.Contains((kind, name)))
                {
                    string places = names[name] == file ? $"twice in {file}" : $"in {names[name]} and in {file}";
                    _faults.Report(kind, name, "", $"stands {places}; the first one counts");
                }
            }

            list.Complete();
            return names.Count;
        }
    }
}
