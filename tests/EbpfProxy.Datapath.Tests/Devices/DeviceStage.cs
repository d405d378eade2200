using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Model.Devices;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.Devices;

/// <summary>A network namespace with devices of its own, a BPF file system and programs to attach.</summary>
internal sealed class DeviceStage : IDisposable
{
    private readonly ScratchBpffs _bpffs = new();

    public ScratchNetworkNamespace Network { get; } = new();

    public string Links => Path.Combine(_bpffs.Path, "ebpf-proxy", "links");

    public string BpfFileSystem => _bpffs.Path;

    /// <summary>Runs ip, with the words of <paramref name="arguments"/>, in the namespace.</summary>
    public void Ip(string arguments) => Shell.Require($"ip -n \"$1\" {arguments}", Network.Name);

    public string Tc(string arguments) => Shell.Require($"tc -n \"$1\" {arguments}", Network.Name);

    /// <summary>A run of the daemon, as far as devices are concerned.</summary>
    public Run Start(bool usesClsact, params string[] devices) => new(this, usesClsact, devices);

    public IReadOnlyList<DeviceHookRow> Read()
    {
        IReadOnlyList<DeviceHookRow> rows = [];
        Network.Invoke(() => rows = DeviceHookView.Read(BpfFileSystem));
        return rows;
    }

    public void Dispose()
    {
        if (Directory.Exists(Path.GetDirectoryName(Links)))
        {
            Directory.Delete(Path.GetDirectoryName(Links)!, recursive: true);
        }

        Network.Dispose();
        _bpffs.Dispose();
    }

    public sealed class Run : IDisposable
    {
        private readonly DeviceStage _stage;
        private readonly TcPrograms _loaded;
        private readonly DeviceChoice _choice;
        private readonly DevicePrograms _programs;

        public Run(DeviceStage stage, bool usesClsact, string[] devices)
        {
            _stage = stage;
            var bpf = TcObject.Open(TcObject.Read(), LinkHeader.Ethernet);
            bpf.Load();
            _loaded = new TcPrograms(bpf, OpenOthers, Clock);
            Directory.CreateDirectory(stage.Links);
            var pins = new DevicePins(stage.Links);
            _choice = new DeviceChoice(new DeviceSelection(devices), () => DeviceHookView.ReadHeld(pins), Log);
            DevicePrograms? programs = null;
            stage.Network.Invoke(() => programs = new DevicePrograms(
                DeviceAttachers.Choose(pins, usesClsact), _loaded.Get, Log));
            _programs = programs!;
        }

        public LogLines Log { get; } = new();

        public int AttachedCount => _programs.AttachedCount;

        public IReadOnlyList<string> Failed => _programs.Failed;

        public IReadOnlyList<string> Unmatched => _choice.Unmatched;

        public StoppedClock Clock { get; } = new();

        /// <summary>Whether the kernel is to refuse the programs for packets without link header.</summary>
        public bool RefusesOthers { get; set; }

        /// <summary>How often those were opened, to be loaded.</summary>
        public int Openings { get; private set; }

        /// <summary>The names of the programs that are loaded.</summary>
        public IEnumerable<string> Loaded => _loaded.Loaded.Select(program => program.Name);

        public uint IdOf(string program) => _loaded.Loaded.Single(loaded => loaded.Name == program).Id;

        public void Update(bool isThorough = true) => _stage.Network.Invoke(() =>
        {
            var before = Unmatched;
            var devices = _choice.Of(NodeNetworkWatcher.Read());
            Assert.True(before.Count <= Unmatched.Count, "a device is there again before it has programs");
            _programs.Update(devices, isThorough);
            _choice.Confirm();
        });

        public void Dispose()
        {
            _programs.Dispose();
            _loaded.Dispose();
        }

        private BpfObject OpenOthers()
        {
            Openings++;
            var bpf = TcObject.Open(TcObject.Read(), LinkHeader.None);
            if (RefusesOthers)
            {
                // A program of that type may not change packets.
                bpf.GetProgram("proxy_egress_ip").Type = BpfProgramType.SocketFilter;
            }

            return bpf;
        }
    }
}
