using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Testing.Flows;

/// <summary>
/// A node and its services in words, and the flows that are asked of them. The words of the files in Tables:
/// <code>
/// case NAME
/// node ADDRESS...                 the addresses that accept node ports; 192.168.0.2 and 2001:db8::1 where it is missing
/// local ADDRESS...                addresses of the node that do not
/// pods PREFIX... | pods none      which sources are pods of this node, of a family without a prefix that cannot be told; 10.0.0.0/8 and fd00:10::/32 where it is missing
/// masquerade-all
/// service-cidr PREFIX
/// service NAME TYPE ADDRESS[,..] PORT... [external=..] [lb=..] [ranges=..] [external-local] [internal-local]
///         [affinity=SECONDS]
///     a PORT is name:port/protocol[>target][@nodePort]
/// endpoint SERVICE ADDRESS local|remote [terminating|stopped]
/// pod|node|outside SOURCE > DESTINATION[/protocol] refused|dropped|untouched|BACKEND... [masqueraded]
/// </code>
/// </summary>
internal sealed class FlowCase(string name)
{
    private readonly List<Service> _services = [];
    private readonly Dictionary<string, List<Endpoint>> _endpoints = [];
    private readonly Dictionary<string, List<EndpointPort>> _targets = [];

    public string Name { get; } = name;

    public List<FlowRow> Rows { get; } = [];

    public IReadOnlyList<Service> Services => _services;

    public IEnumerable<EndpointSlice> Slices => _services.SelectMany(SlicesOf);

    public Address[] NodeAddresses { get; private set; } = [ParseAddress("192.168.0.2"), ParseAddress("2001:db8::1")];

    public Address[] OtherAddresses { get; private set; } = [];

    /// <summary>Which sources are pods of this node; empty where that cannot be told.</summary>
    public Prefix[] Pods { get; private set; } = [ParsePrefix("10.0.0.0/8"), ParsePrefix("fd00:10::/32")];

    public Prefix[] ServiceCidrs { get; private set; } = [];

    public bool MasqueradesAll { get; private set; }

    public MasqueradeRules Rules => new(
        Pods.Any(pods => pods.Family == IpFamily.IPv4), Pods.Any(pods => pods.Family == IpFamily.IPv6), MasqueradesAll);

    /// <summary>The tables of all services, as the controller makes them.</summary>
    public ServiceTables[] Build() =>
        [.. _services.Select(service => ServiceTablesBuilder.Build(service, SlicesOf(service), new NodeContext("test-node", "", [.. NodeAddresses])))];

    /// <summary>Reads the cases of a text; lines that begin with # and empty ones mean nothing.</summary>
    public static List<FlowCase> ParseAll(string text)
    {
        List<FlowCase> cases = [];
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("case ", StringComparison.Ordinal))
            {
                cases.Add(new FlowCase(line[5..]));
            }
            else if (!line.StartsWith('#'))
            {
                cases[^1].Read(line);
            }
        }

        return cases;
    }

    /// <summary>A case without rows, for tests that send packets of their own.</summary>
    public static FlowCase Parse(string text) => ParseAll("case packets\n" + text)[0];

    public static Address ParseAddress(string text) =>
        Address.TryParse(text, out var address) ? address : throw new FormatException($"not an address: {text}");

    public static Protocol ParseProtocol(string text) =>
        ProtocolNames.TryParse(text.ToUpperInvariant(), out var protocol) ? protocol : throw new FormatException($"not a protocol: {text}");

    private static Prefix ParsePrefix(string text) =>
        Prefix.TryParse(text, out var prefix) ? prefix : throw new FormatException($"not a prefix: {text}");

    private void Read(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words[0])
        {
            case "node" when words.Length < 3 || words[2] != ">":
                NodeAddresses = [.. words[1..].Select(ParseAddress)];
                break;
            case "local":
                OtherAddresses = [.. words[1..].Select(ParseAddress)];
                break;
            case "pods":
                Pods = words[1] == "none" ? [] : [.. words[1..].Select(ParsePrefix)];
                break;
            case "masquerade-all":
                MasqueradesAll = true;
                break;
            case "service-cidr":
                ServiceCidrs = [.. words[1..].Select(ParsePrefix)];
                break;
            case "service":
                ReadService(words);
                break;
            case "endpoint":
                ReadEndpoint(words);
                break;
            default:
                Rows.Add(FlowRow.Parse(line));
                break;
        }
    }

    private void ReadService(string[] words)
    {
        var service = new Service
        {
            Name = new ObjectName("ns", words[1]),
            Type = Enum.Parse<ServiceType>(words[2]),
            ClusterIPs = [.. words[3].Split(',').Select(ParseAddress)],
        };
        foreach (string word in words[4..])
        {
            string[] parts = word.Split('=');
            string[] values = parts[^1].Split(',');
            service = parts[0] switch
            {
                "external" => service with { ExternalIPs = [.. values.Select(ParseAddress)] },
                "lb" => service with { LoadBalancerIPs = [.. values.Select(ParseAddress)] },
                "ranges" => service with { LoadBalancerSourceRanges = [.. values.Select(ParsePrefix)] },
                "affinity" => service with { AffinitySeconds = uint.Parse(values[0], System.Globalization.CultureInfo.InvariantCulture) },
                "external-local" => service with { ExternalTrafficPolicy = TrafficPolicy.Local },
                "internal-local" => service with { InternalTrafficPolicy = TrafficPolicy.Local },
                _ => service with { Ports = service.Ports.Add(ReadPort(words[1], word)) },
            };
        }

        _services.Add(service);
    }

    private ServicePort ReadPort(string service, string word)
    {
        string[] parts = word.Split(':', '/', '>', '@');
        ushort port = ushort.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
        ushort target = word.Contains('>') ? ushort.Parse(parts[3], System.Globalization.CultureInfo.InvariantCulture) : port;
        ushort nodePort = word.Contains('@') ? ushort.Parse(parts[^1], System.Globalization.CultureInfo.InvariantCulture) : (ushort)0;
        var protocol = ParseProtocol(parts[2]);
        ListOf(_targets, service).Add(new EndpointPort(parts[0], protocol, target));
        return new ServicePort(parts[0], protocol, port, nodePort);
    }

    private void ReadEndpoint(string[] words)
    {
        var conditions = words.Length < 5 ? EndpointConditions.Ready | EndpointConditions.Serving : words[4] switch
        {
            "terminating" => EndpointConditions.Serving | EndpointConditions.Terminating,
            "stopped" => EndpointConditions.Terminating,
            _ => throw new FormatException(words[4]),
        };
        ListOf(_endpoints, words[1]).Add(new Endpoint(ParseAddress(words[2]), conditions, words[3] == "local", null));
    }

    private EndpointSlice[] SlicesOf(Service service) =>
        [.. ListOf(_endpoints, service.Name.Name).GroupBy(endpoint => endpoint.Address.Family).Select(group => new EndpointSlice
        {
            Name = new ObjectName("ns", $"{service.Name.Name}-{group.Key}"),
            Service = service.Name,
            Family = group.Key,
            Ports = [.. _targets[service.Name.Name]],
            Endpoints = [.. group],
        })];

    private static List<T> ListOf<T>(Dictionary<string, List<T>> lists, string key)
    {
        if (!lists.TryGetValue(key, out var list))
        {
            lists.Add(key, list = []);
        }

        return list;
    }
}
