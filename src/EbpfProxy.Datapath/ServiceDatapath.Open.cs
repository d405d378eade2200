using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Affinity;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Tables;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath;

/// <summary>How its parts come to be: maps and programs of an earlier run, or new ones.</summary>
public sealed partial class ServiceDatapath
{
    /// <summary>Loads the programs and opens the tables. Nothing that runs is changed by it.</summary>
    /// <exception cref="IOException">The kernel refuses the programs or maps, or another daemon holds the pins.</exception>
    public static ServiceDatapath Open(DatapathOptions options, ILogger logger) => Open(options, SocketObject.Read(), logger);

    /// <summary>The same with the programs of another build.</summary>
    internal static ServiceDatapath Open(DatapathOptions options, ReadOnlySpan<byte> programObject, ILogger logger) =>
        Open(options, programObject, KernelFeatures.Probe(), logger);

    /// <summary>The same as on a kernel with these features.</summary>
    internal static ServiceDatapath Open(
        DatapathOptions options, ReadOnlySpan<byte> programObject, KernelFeatures features, ILogger logger)
    {
        Directory.CreateDirectory(options.PinRoot);
        var folderLock = FolderLock.Take(options.PinRoot);
        var gracePeriods = new GracePeriods();
        var bpf = SocketObject.Open(programObject, features, options.Sockets, options.LeavesDeviceAddresses, options.Packets?.MasqueradePorts);
        PacketPath? packets = null;
        try
        {
            var pins = new PinLayout(options.PinRoot, SocketObject.VersionsOf(bpf));
            var tables = new TableOpener(bpf, pins.Tables);
            var sockets = new TableOpener(bpf, pins.Sockets);
            var counters = new CounterMap(bpf, pins.Root);
            var trace = new TraceMaps(bpf, pins.Trace);
            var programs = new SocketPrograms(bpf, pins.Links, options.CgroupRoot, options.Sockets, logger);
            programs.RefuseOthers();
            PrepareTables(tables, sockets, options);
            counters.Prepare();
            trace.Prepare();
            bpf.Load();
            tables.Pin();
            sockets.Pin();
            counters.Pin();
            trace.Pin();
            var tallies = tables.OpenTallies();
            var addresses = new AddressTable(tables.OpenHash<AddressKey, AddressInfo>(TableNames.Addresses, gracePeriods));
            var set = new TableSet(
                addresses,
                tables.OpenHash<FrontendKey, FrontendValue>(TableNames.Frontends, gracePeriods),
                tables.OpenArray<ServiceValue>(TableNames.Services),
                tables.OpenArray<uint>(TableNames.Sets),
                tables.OpenArray<BackendValue>(TableNames.Backends),
                tables.OpenArray<ServiceName>(TableNames.Names),
                tallies,
                tables.OpenHash<SourceRangeKey, SourceRange>(TableNames.Ranges, gracePeriods));
            Log.Opened(logger, options.PinRoot, tables.HasAdopted ? "taken over" : "new");
            var namespaces = new NetworkNamespaces(logger);
            var changes = new Lock();
            var peers = sockets.OpenPeers(logger);
            var programTables = new ProgramTables(
                peers,
                tables.OpenAffinity(logger),
                new ClientTable(tables.OpenHash<ulong, ClientValue>(TableNames.Clients, gracePeriods), namespaces),
                set,
                changes,
                bpf.GetMap(TableNames.Counters).Map,
                logger);
            packets = options.Packets is null
                ? null
                : PacketPath.Open(bpf, features, pins, options.Packets, options.LeavesDeviceAddresses, gracePeriods, tallies, addresses, logger);

            // Known before the first write, so that a restart finds nothing to change.
            var network = NodeNetworkWatcher.Read();
            var roles = new NodeRoles(options);
            roles.Update(network, writer: null);
            var inherited = new InheritedPeers(set, peers, tallies, bpf.GetMap(TableNames.Counters).Map, namespaces, logger);
            return new ServiceDatapath(
                folderLock, bpf, gracePeriods, set, pins, programs, programTables, changes, packets, roles, inherited, network, namespaces, logger);
        }
        catch
        {
            packets?.Dispose();
            bpf.Dispose();
            gracePeriods.Dispose();
            folderLock.Dispose();
            throw;
        }
    }

    /// <summary>Writes the settings of the kernel that it depends on, for a daemon that may not write them itself.</summary>
    /// <exception cref="IOException">They cannot be written.</exception>
    public static void Prepare(DatapathOptions options)
    {
        Directory.CreateDirectory(options.PinRoot);
        if (options.Packets is { } packets)
        {
            new LocalPorts(PacketPath.PortNotesOf(options.PinRoot)).Reserve(packets.MasqueradePorts);
        }
    }

    private static void PrepareTables(TableOpener tables, TableOpener sockets, DatapathOptions options)
    {
        // Small, so that a dump of an array shows little that is free: the first complete change makes room for all.
        const uint initial = 16;
        foreach (string table in new[]
        {
            TableNames.Addresses, TableNames.Frontends, TableNames.Services, TableNames.Sets, TableNames.Backends, TableNames.Names, TableNames.Tallies,
            TableNames.Clients, TableNames.Ranges,
        })
        {
            tables.Prepare(table, initial);
        }

        tables.Prepare(TableNames.Affinity, options.InitialAffinity);
        sockets.Prepare(TableNames.Peers, options.InitialPeers);
    }
}
