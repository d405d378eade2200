using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Packets;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>A node whose tables are filled, and the hooks of its devices: what goes in is what the hook before gave out.</summary>
internal sealed class ProxyNode
{
    /// <summary>The device by which the node reaches itself.</summary>
    public const uint Loopback = 1;

    private readonly PacketKernel _kernel;
    private readonly NodeSettings _settings;
    private ulong[] _counted;

    public ProxyNode(PacketKernel kernel, LoadedPrograms programs, FlowCase flows, NodeSettings settings)
    {
        _kernel = kernel;
        _settings = settings;
        Programs = programs;
        Fill(flows);
        _counted = ReadCounters();
    }

    public LoadedPrograms Programs { get; }

    /// <summary>Whether the devices give the sum over each packet. A run that leaves another packet than the sum fails (kernel 6.11).</summary>
    public bool GivesSums { get; set; }

    public uint Uplink => _kernel.Uplink;

    public uint Pods => _kernel.Pods;

    public Step Ingress(Packet packet, uint device) => Ingress(packet.ToFrame(), device);

    /// <summary>What comes in by a device.</summary>
    public Step Ingress(byte[] frame, uint device) => Run("proxy_ingress", frame, device, device);

    /// <summary>What leaves by a device; of the node itself where it did not come in by one.</summary>
    public Step Egress(Packet packet, uint device, uint cameBy) => Egress(packet.ToFrame(), device, cameBy);

    public Step Egress(byte[] frame, uint device, uint cameBy) => Run("proxy_egress", frame, device, cameBy);

    /// <summary>The same for devices whose packets have no link header.</summary>
    public Step IngressWithoutLink(Packet packet, uint device) => Run("proxy_ingress_ip", packet.ToBytes(), device, device);

    public Step EgressWithoutLink(byte[] bytes, uint device, uint cameBy) => Run("proxy_egress_ip", bytes, device, cameBy);

    /// <summary>Forgets every flow and client.</summary>
    public void Forget() => Programs.ForgetFlows(_settings.Connections);

    /// <summary>
    /// Lets packets of connections go around netfilter, as the controller does where no rule could mind; or only those that
    /// another <c>enum path_around</c> says.
    /// </summary>
    public void LetGoAround(uint around = 1) =>
        new BpfArrayMap<PathState>(Programs.Object.GetMap("path_states").Map)[0] = new PathState { IsInUse = 1, GoesAround = around };

    /// <summary>The services of another case, without a change to flows.</summary>
    public void Apply(FlowCase flows) =>
        Programs.Writer.Apply([.. flows.Build().Select(tables => new ServiceChange(tables.Name, tables))], isComplete: true);

    /// <summary>The connections that live.</summary>
    public IReadOnlyList<ConnectionValue> Connections()
    {
        var all = new ConnectionValue[Programs.Connections.Length];
        Programs.Connections.Read(0, all);
        return [.. all.Where(connection => (connection.Generation & 1) == 1)];
    }

    /// <summary>Lets every connection be silent for so long.</summary>
    public void Age(TimeSpan silence)
    {
        for (int id = 0; id < Programs.Connections.Length; id++)
        {
            var connection = Programs.Connections[id];
            if (connection.Generation != 0)
            {
                Programs.Connections[id] = connection with { LastSeenNs = connection.LastSeenNs - (ulong)(silence.Ticks * 100) };
            }
        }
    }

    /// <summary>Lets every client have connected so long ago.</summary>
    public void AgeClients(TimeSpan silence)
    {
        foreach (var (key, value) in Programs.Affinity.Enumerate().ToArray())
        {
            Programs.Affinity.Update(key, value with { LastConnectionNs = value.LastConnectionNs - (ulong)(silence.Ticks * 100) });
        }
    }

    /// <summary>Says that connection tracking translates what comes in so, and was last seen to do so long ago.</summary>
    public void Track(Protocol protocol, string from, string to, TimeSpan silence = default)
    {
        var (source, destination) = (IPEndPoint.Parse(from), IPEndPoint.Parse(to));
        Programs.Tracked.Update(
            new FlowKey(
                KeyOf(source.Address.ToString()),
                KeyOf(destination.Address.ToString()),
                BinaryPrimitives.ReverseEndianness((ushort)source.Port),
                BinaryPrimitives.ReverseEndianness((ushort)destination.Port),
                (byte)protocol,
                FlowHook.Ingress,
                0),
            new TrackedValue((ulong)((Stopwatch.GetElapsedTime(0) - silence).TotalNanoseconds), 0, 0));
    }

    /// <summary>A port, unless the flags are given: frames of tests have hardware addresses that no device has.</summary>
    public void SetDevice(uint device, string? ipv4, string? ipv6, DeviceFlags flags = DeviceFlags.Port) =>
        Programs.Devices.Update(device, new DeviceValue(KeyOf(ipv4), KeyOf(ipv6), flags, 0, 0, 0));

    private static AddressKey KeyOf(string? address) =>
        address is null ? default : AddressKey.From(FlowCase.ParseAddress(address));

    private void Fill(FlowCase flows)
    {
        foreach (var (address, info) in Programs.Tables.Addresses.ReadAll().ToArray())
        {
            foreach (var role in (AddressRole[])[AddressRole.Node, AddressRole.OnDevice])
            {
                if (((AddressRole)info.Roles).HasFlag(role))
                {
                    Programs.Writer.RemoveNodeRole(address.ToAddress(), role);
                }
            }
        }

        Apply(flows);
        foreach (var address in flows.NodeAddresses)
        {
            Programs.Writer.AddNodeRole(address, AddressRole.Node);
        }

        string[] others = ["192.168.0.2", "2001:db8::1", "10.180.255.1", "fd00:10:180::ff:1"];
        foreach (var address in flows.NodeAddresses.Concat(flows.OtherAddresses).Concat(others.Select(FlowCase.ParseAddress)).Distinct())
        {
            Programs.Writer.AddNodeRole(address, AddressRole.OnDevice);
        }

        SetDevice(Uplink, "192.168.0.2", "2001:db8::1");
        SetDevice(Pods, "10.180.255.1", "fd00:10:180::ff:1", DeviceFlags.LocalPods | DeviceFlags.Port);
        SetDevice(Loopback, "192.168.0.2", "2001:db8::1");
        Forget();
    }

    /// <summary>Any program of the object, with a packet that came in by a device.</summary>
    public Step Run(string program, Packet packet, uint device) => Run(program, packet.ToFrame(), device, device);

    /// <summary>The mean time of one of many runs of a program with one packet, in nanoseconds.</summary>
    public uint Time(string program, Packet packet, uint device, int repeat) =>
        Run(program, packet.ToFrame(), device, device, out var result, repeat) is { Verdict: HookVerdict.Accept }
            ? result.NanosecondsPerRun
            : throw new InvalidOperationException($"{program} did not run to its end");

    private Step Run(string program, byte[] frame, uint device, uint cameBy) => Run(program, frame, device, cameBy, out _);

    private Step Run(string program, byte[] frame, uint device, uint cameBy, out BpfTestRunResult outcome, int repeat = 1)
    {
        byte[] context = new byte[44];
        BinaryPrimitives.WriteUInt32LittleEndian(context.AsSpan(36), cameBy);
        BinaryPrimitives.WriteUInt32LittleEndian(context.AsSpan(40), device);
        byte[] output = new byte[8192];
        BpfTestRunResult result = default;
        _kernel.Invoke(() => result = Programs.Get(program).TestRun(
            new BpfTestRunOptions { Packet = frame, PacketOut = output, Context = context, Repeat = repeat, IsChecksumComplete = GivesSums }));
        outcome = result;
        return new Step((HookVerdict)(int)result.ReturnValue, output[..result.PacketLength], Count(), !program.EndsWith("_ip", StringComparison.Ordinal));
    }

    private Dictionary<Reason, ulong> Count()
    {
        ulong[] now = ReadCounters();
        Dictionary<Reason, ulong> difference = [];
        for (int i = 0; i < now.Length; i++)
        {
            if (now[i] != _counted[i])
            {
                difference.Add((Reason)i, now[i] - _counted[i]);
            }
        }

        _counted = now;
        return difference;
    }

    private ulong[] ReadCounters() =>
        [.. Enumerable.Range(0, Programs.Counters.Length).Select(i => Programs.Counters.Read(i).Aggregate(0ul, (sum, each) => sum + each))];
}
