using System.Net.Sockets;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// The addresses of API servers: those that were configured, then those that the kubernetes Service was seen to have,
/// now or before the last start. One is used until it fails. Thread-safe.
/// </summary>
internal sealed class ApiServers
{
    private readonly Lock _lock = new();
    private readonly IReadOnlyList<Uri> _configured;
    private readonly string? _stateFile;
    private readonly ILogger _log;
    private readonly Dictionary<ObjectName, Uri[]> _bySlice = [];
    private List<Uri> _learned;
    private Uri _current;

    public ApiServers(IReadOnlyList<Uri> configured, string? stateFile, ILogger log)
    {
        _configured = configured;
        _stateFile = stateFile;
        _log = log;
        _learned = Load();
        _current = configured[0];
    }

    /// <summary>The server to ask.</summary>
    public Uri Current
    {
        get
        {
            lock (_lock)
            {
                return _current;
            }
        }
    }

    /// <summary>How many servers there are to try.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return All().Count;
            }
        }
    }

    /// <summary>The names that the configured servers' certificates may bear, whichever address is asked.</summary>
    public IEnumerable<string> ConfiguredHosts => _configured.Select(server => server.IdnHost);

    /// <summary>Turns to the next server, unless that was done since the failed one was asked.</summary>
    public void Fail(Uri failed)
    {
        lock (_lock)
        {
            if (failed != _current)
            {
                return;
            }

            var all = All();
            _current = all[(all.IndexOf(failed) + 1) % all.Count];
            if (_current != failed)
            {
                Log.ServerFailed(_log, failed, _current);
            }
        }
    }

    /// <summary>Takes note of the API servers' addresses, if the slice is one of the kubernetes Service.</summary>
    public void Learn(EndpointSlice slice)
    {
        if (slice.Service is not { Namespace: "default", Name: "kubernetes" })
        {
            return;
        }

        lock (_lock)
        {
            _bySlice[slice.Name] = [.. ServersOf(slice)];
            List<Uri> learned = [.. _bySlice.Values.SelectMany(servers => servers).Distinct()];

            // A kubernetes Service without endpoints is a cluster in trouble: then the old addresses are all there is.
            if (learned.Count > 0 && !learned.SequenceEqual(_learned))
            {
                _learned = learned;
                Save();
            }
        }
    }

    private static IEnumerable<Uri> ServersOf(EndpointSlice slice) =>
        from port in slice.Ports
        where port.Protocol == Protocol.Tcp && port.Name is "https" or ""
        from endpoint in slice.Endpoints
        where endpoint.Conditions.HasFlag(EndpointConditions.Ready)
        let address = endpoint.Address.ToIPAddress()
        let host = address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString()
        select new UriBuilder(Uri.UriSchemeHttps, host, port.Port).Uri;

    private List<Uri> All() => [.. _configured.Concat(_learned).Distinct()];

    private List<Uri> Load()
    {
        if (_stateFile is null || !File.Exists(_stateFile))
        {
            return [];
        }

        try
        {
            return [.. File.ReadLines(_stateFile)
                .Select(line => Uri.TryCreate(line, UriKind.Absolute, out var server) ? server : null)
                .OfType<Uri>()
                .Where(server => server.Scheme == Uri.UriSchemeHttps)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.StateFileFailed(_log, _stateFile, error.Message);
            return [];
        }
    }

    private void Save()
    {
        if (_stateFile is null)
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_stateFile))!);
            string written = _stateFile + ".new";
            File.WriteAllLines(written, _learned.Select(server => server.AbsoluteUri));
            File.Move(written, _stateFile, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.StateFileFailed(_log, _stateFile, error.Message);
        }
    }
}
