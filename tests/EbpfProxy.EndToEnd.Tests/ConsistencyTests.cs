using System.Net;
using EbpfProxy.Datapath;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>Clients read the tables as fast as they can while they are written as fast as they can.</summary>
[Collection(typeof(AloneOnTheMachine))]
public sealed class ConsistencyTests : IDisposable
{
    private const int Services = 32;
    private const int PortsPerService = 10;
    private const int FirstPort = 10_000;
    private const int Changes = 20_000;

    private readonly TestNode _node = new();
    private readonly Pod _client;
    private readonly Pod _server;
    private readonly Random _random = new(20_260_101);

    public ConsistencyTests()
    {
        _client = _node.AddPod("client");
        _server = _node.AddPod("s");
    }

    public void Dispose() => _node.Dispose();

    [KernelTheory]
    [InlineData("udp", Protocol.Udp)]
    [InlineData("tcp", Protocol.Tcp)]
    public void Client_never_gets_a_backend_of_another_service(string load, Protocol protocol)
    {
        // Twice as many as are asked: the others come and go, so that ids and places are used again.
        using var server = _server.Serve($"{FirstPort}-{FirstPort + (2 * Services * PortsPerService) - 1}");
        using var datapath = ServiceDatapath.Open(
            new DatapathOptions { CgroupRoot = _node.CgroupRoot, BpfFileSystem = _node.BpfFileSystem, LeavesDeviceAddresses = false },
            NullLogger.Instance);
        datapath.Apply([.. Enumerable.Range(0, Services).Select(i => Change(i, protocol, isThere: true))], isComplete: true);
        using var readers = _client.Place.Load(
            load, Enumerable.Range(0, Services).Select(i => (AddressOf(i), 80, $"s/{(FirstPort / PortsPerService) + i}")));
        readers.WaitForMore(100);

        for (int i = 0; i < Changes; i++)
        {
            int service = _random.Next(2 * Services);
            datapath.Apply([Change(service, protocol, isThere: service < Services || _random.Next(2) == 0)], isComplete: false);
            if (i % 500 == 0)
            {
                datapath.Maintain();
                readers.WaitForMore(10);
            }
        }

        readers.EndWithoutFailure();
    }

    private static string AddressOf(int service) => $"10.96.2.{service}";

    /// <summary>A service with some of its own ports as backends.</summary>
    private ServiceChange Change(int service, Protocol protocol, bool isThere)
    {
        var name = new ObjectName("default", $"s{service}");
        if (!isThere)
        {
            return new ServiceChange(name, null);
        }

        int chosen = _random.Next(1, 1 << PortsPerService);
        var address = Address.From(IPAddress.Parse(_server.IPv4));
        var ports = Enumerable.Range(0, PortsPerService).Where(i => (chosen >> i & 1) == 1);
        return new ServiceChange(name, new ServiceTables(name,
        [
            new PortTables
            {
                Key = new ServiceKey(name, "http", protocol, IpFamily.IPv4),
                Frontends = [new Frontend(Address.From(IPAddress.Parse(AddressOf(service))), 80, FrontendKind.ClusterIP)],
                Backends =
                [
                    .. ports.Select(i => new Backend(
                        address, (ushort)(FirstPort + (service * PortsPerService) + i), BackendUse.InClusterSet | BackendUse.Serving)),
                ],
                Verdicts = new TrafficVerdicts(Verdict.Cluster, Verdict.Cluster, Verdict.Cluster),
            },
        ]));
    }
}
