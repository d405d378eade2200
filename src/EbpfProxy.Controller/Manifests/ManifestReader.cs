using System.Text.Json;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Manifests;

/// <summary>
/// Reads files of YAML with the readers that read the API server's answers. Kinds that the proxy has no use for are named
/// once. Not thread-safe.
/// </summary>
internal sealed class ManifestReader
{
    private readonly PlacedFaults _faults;
    private readonly ServiceReader _services;
    private readonly EndpointSliceReader _slices;
    private readonly NodeReader _nodes;
    private readonly ServiceCidrReader _serviceCidrs;
    private readonly ILogger _logger;
    private readonly HashSet<(string, string)> _ignoredKinds = [];

    public ManifestReader(string nodeName, IObjectFaults faults, ILogger logger, bool readsExternalIPs = true)
    {
        _faults = new PlacedFaults(faults);
        _services = new ServiceReader(_faults) { AppliesServerDefaults = true, ReadsExternalIPs = readsExternalIPs };
        _slices = new EndpointSliceReader(_faults, nodeName) { AppliesServerDefaults = true };
        _nodes = new NodeReader(_faults) { AppliesServerDefaults = true };
        _serviceCidrs = new ServiceCidrReader(_faults) { AppliesServerDefaults = true };
        _logger = logger;
    }

    /// <summary>Reads all objects of a file. What makes no sense within an object is reported and left out.</summary>
    /// <exception cref="YamlFormatException">The text is not YAML, or a document in it is no object.</exception>
    public ManifestContent Read(string file, string text)
    {
        var content = new ManifestContent();
        foreach (var item in YamlJson.Load(text).Where(d => !YamlJson.IsEmpty(d)).SelectMany(ManifestObject.In))
        {
            Read(file, item, content);
        }

        return content;
    }

    private void Read(string file, ManifestObject item, ManifestContent content)
    {
        _faults.Place = $"{file}, line {item.Node.Start.Line}";
        switch (item.Kind, item.ApiVersion)
        {
            case ("Service", "v1"):
                Add(_services, item, content.Services);
                break;
            case ("EndpointSlice", "discovery.k8s.io/v1"):
                Add(_slices, item, content.Slices);
                break;
            case ("Node", "v1"):
                Add(_nodes, item, content.Nodes);
                break;
            case ("ServiceCIDR", "networking.k8s.io/v1" or "networking.k8s.io/v1beta1"):
                Add(_serviceCidrs, item, content.ServiceCidrs);
                break;
            default:
                if (_ignoredKinds.Add((item.Kind, item.ApiVersion)))
                {
                    Log.KindIgnored(_logger, file, item.Node.Start.Line, item.Kind, item.ApiVersion);
                }

                break;
        }
    }

    private static void Add<T>(ObjectReader<T> objects, ManifestObject item, List<T> list)
        where T : class
    {
        var reader = new Utf8JsonReader(YamlJson.ToJson(item.Node));
        reader.Read();
        if (objects.Read(ref reader) is { } value)
        {
            list.Add(value);
        }
    }

    /// <summary>Says of each fault in which file it is, and where there the object begins.</summary>
    private sealed class PlacedFaults(IObjectFaults faults) : IObjectFaults
    {
        public string Place { get; set; } = "";

        public void Report(string kind, ObjectName name, string field, string message) =>
            faults.Report(kind, name, field, $"{message} ({Place})");
    }
}
