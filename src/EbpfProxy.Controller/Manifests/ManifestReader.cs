using System.Text.Json;
using EbpfProxy.Controller.Objects;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Manifests;

/// <summary>
/// Reads files of YAML with the readers that read the API server's answers. Kinds that the proxy has no use for are named
/// once. Not thread-safe.
/// </summary>
internal sealed class ManifestReader(string nodeName, IObjectFaults faults, ILogger logger, bool readsExternalIPs = true)
{
    private readonly ServiceReader _services = new(faults) { AppliesServerDefaults = true, ReadsExternalIPs = readsExternalIPs };
    private readonly EndpointSliceReader _slices = new(faults, nodeName) { AppliesServerDefaults = true };
    private readonly NodeReader _nodes = new(faults) { AppliesServerDefaults = true };
    private readonly ServiceCidrReader _serviceCidrs = new(faults) { AppliesServerDefaults = true };
    private readonly HashSet<(string, string)> _ignoredKinds = [];

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
                    Log.KindIgnored(logger, file, item.Node.Start.Line, item.Kind, item.ApiVersion);
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
}
