using System.Diagnostics.CodeAnalysis;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Tests.Sync;

/// <summary>A writer over tables in memory, and a reader that follows them as the programs do.</summary>
internal sealed class WriterHarness
{
    private readonly FakeHashTable<AddressKey, AddressInfo> _addresses;
    private readonly FakeHashTable<FrontendKey, FrontendValue> _frontends;
    private ServiceWriter _writer;

    public WriterHarness()
    {
        _addresses = new FakeHashTable<AddressKey, AddressInfo>("address", Journal);
        _frontends = new FakeHashTable<FrontendKey, FrontendValue>("frontend", Journal);
        Tables = new TableSet(
            _addresses,
            _frontends,
            new FakeArrayTable<ServiceValue>("service", Journal, 1),
            new FakeArrayTable<uint>("set", Journal, 1),
            new FakeArrayTable<BackendValue>("backend", Journal, 1),
            new FakeArrayTable<ServiceName>("name", Journal, 1),
            new FakeArrayTable<TallyValue>("tally", Journal, 1),
            new FakeHashTable<SourceRangeKey, SourceRange>("range", Journal));
        Restart();
    }

    /// <summary>Frontends that several services want, as they are told: the place, who has it, who does without.</summary>
    public List<string> Contested { get; } = [];

    public Journal Journal { get; } = new();

    public FakeGracePeriods GracePeriods { get; } = new();

    public TableSet Tables { get; }

    public ApplyResult Apply(params ServiceTables[] services) => Apply(isComplete: false, services);

    public ApplyResult Apply(bool isComplete, params ServiceTables[] services)
    {
        Journal.Lines.Clear();
        return _writer.Apply([.. services.Select(tables => new ServiceChange(tables.Name, tables))], isComplete);
    }

    public ApplyResult Remove(string service)
    {
        Journal.Lines.Clear();
        return _writer.Apply([new ServiceChange(new ObjectName("default", service), null)], isComplete: false);
    }

    /// <summary>What a daemon does that was killed and started again.</summary>
    [MemberNotNull(nameof(_writer))]
    public void Restart()
    {
        _writer = ServiceWriter.Adopt(Tables, GracePeriods, firstGeneration: 7);
        _writer.WhenFrontendsGo(() => Losses.Add(string.Join(' ', DumpAddresses())));
        _writer.WhenFrontendsTurn(() => Turns++);
        _writer.WhenContested(one => Contested.Add($"{one.Address}:{one.Port} {one.Holder.Service.Name} {one.Other.Service.Name}"));
    }

    /// <summary>The services whose flows the last change may have made stale.</summary>
    public IEnumerable<string> Moved => _writer.Moved.Select(port => $"{port.Key.Service.Name} {string.Join(' ', port.Backends.Select(backend => backend.Address))}");

    /// <summary>How often frontends turned to another service, or came.</summary>
    public int Turns { get; private set; }

    /// <summary>How often it was said that frontends go, each with the addresses that there were then.</summary>
    public List<string> Losses { get; } = [];

    /// <summary>How many frontends the kernel has memory for.</summary>
    public uint MostFrontends
    {
        set => _frontends.Limit = value;
    }

    public void AddNodeRole(string address, AddressRole role) => _writer.AddNodeRole(Parse(address), role);

    public void RemoveNodeRole(string address, AddressRole role) => _writer.RemoveNodeRole(Parse(address), role);

    public void Collect() => _writer.Collect();

    /// <summary>One line a frontend, with what a client of it can get; sorted.</summary>
    public string[] Dump() =>
        [.. Tables.Frontends.ReadAll().Select(row => $"{Format(row.Key)} {Follow(row.Value)}").Order(StringComparer.Ordinal)];

    public string[] DumpAddresses() =>
        [.. Tables.Addresses.ReadAll().Select(row => $"{row.Key.ToAddress()} {(AddressRole)row.Value.Roles}").Order(StringComparer.Ordinal)];

    /// <summary>Fails if a program that reads now could find anything but a whole service.</summary>
    public void AssertConsistent()
    {
        foreach (var (key, frontend) in Tables.Frontends.ReadAll())
        {
            var service = Tables.Services.Read(frontend.Service);
            foreach (var word in new[] { service.Internal, service.External, service.ExternalNear })
            {
                Assert.True((byte)word.Verdict != 0, $"{Format(key)} leads to service {frontend.Service}, which has no verdict");
                for (uint i = 0; i < word.Count; i++)
                {
                    var backend = Tables.Backends.Read(Tables.Sets.Read(word.Set + i));
                    Assert.Equal(frontend.Service, backend.Service);
                    Assert.NotEqual(BackendUse.None, backend.State.Use);
                    Assert.Equal(key.Protocol, backend.Protocol);
                    Assert.True(_addresses.IsExpected(backend.Address), $"{backend.Address.ToAddress()} can be chosen, and its packets are not looked at");
                }
            }
        }
    }

    public static ServiceTables Service(string name, string clusterIP, params string[] backends) =>
        ServiceWith(name, clusterIP, Verdict.Cluster, BackendUse.InClusterSet | BackendUse.Serving, backends);

    public static ServiceTables ServiceWith(
        string name, string clusterIP, Verdict verdict, BackendUse use, params string[] backends)
    {
        var objectName = new ObjectName("default", name);
        var verdictOrRefuse = backends.Length == 0 ? Verdict.Refuse : verdict;
        return new ServiceTables(objectName,
        [
            new PortTables
            {
                Key = new ServiceKey(objectName, "http", Protocol.Tcp, IpFamily.IPv4),
                Frontends = [new Frontend(Parse(clusterIP), 80, FrontendKind.ClusterIP)],
                Backends = [.. backends.Select(backend => new Backend(Parse(backend), 8080, use)).OrderBy(backend => backend.Address)],
                Verdicts = new TrafficVerdicts(verdictOrRefuse, verdictOrRefuse, verdictOrRefuse),
            },
        ]);
    }

    /// <summary>The same service by UDP.</summary>
    public static ServiceTables ByUdp(ServiceTables tables) =>
        tables with { Ports = [.. tables.Ports.Select(port => port with { Key = port.Key with { Protocol = Protocol.Udp } })] };

    /// <summary>The same service with an external IP more.</summary>
    public static ServiceTables WithExternalIP(ServiceTables tables, string address)
    {
        var port = tables.Ports[0];
        var frontend = new Frontend(Parse(address), 80, FrontendKind.ExternalIP);
        return tables with { Ports = [port with { Frontends = [.. port.Frontends, frontend] }] };
    }

    /// <summary>The same service with a node port more.</summary>
    public static ServiceTables WithNodePort(ServiceTables tables, ushort nodePort)
    {
        var port = tables.Ports[0];
        var frontend = new Frontend(Address.AnyOf(IpFamily.IPv4), nodePort, FrontendKind.NodePort);
        return tables with { Ports = [port with { Frontends = [.. port.Frontends, frontend] }] };
    }

    private static Address Parse(string address) => Address.From(System.Net.IPAddress.Parse(address));

    private static string Format(FrontendKey key) => $"{key.Address.ToAddress()}:{key.Port}";

    private string Follow(FrontendValue frontend)
    {
        var word = Tables.Services.Read(frontend.Service).Internal;
        if (word.Count == 0)
        {
            return word.Verdict.ToString();
        }

        var backends = Enumerable.Range(0, word.Count).Select(i => Tables.Backends.Read(Tables.Sets.Read(word.Set + (uint)i)));
        return string.Join(' ', backends.Select(backend => $"{backend.Address.ToAddress()}:{backend.Port}"));
    }
}
