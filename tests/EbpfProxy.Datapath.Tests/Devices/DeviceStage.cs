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
        private readonly BpfObject _bpf = BpfObject.Open(TcObject.Read(), "ebpf_proxy_tc");
        private readonly DeviceChoice _choice;
        private readonly DevicePrograms _programs;

        public Run(DeviceStage stage, bool usesClsact, string[] devices)
        {
            _stage = stage;
            _bpf.Load();
            Directory.CreateDirectory(stage.Links);
            var pins = new DevicePins(stage.Links);
            _choice = new DeviceChoice(new DeviceSelection(devices), () => DeviceHookView.ReadHeld(pins), Log);
            DevicePrograms? programs = null;
            stage.Network.Invoke(() => programs = new DevicePrograms(
                DeviceAttachers.Choose(pins, usesClsact), name => _bpf.GetProgram(name).Program, Log));
            _programs = programs!;
        }

        public LogLines Log { get; } = new();

        public int AttachedCount => _programs.AttachedCount;

        public IReadOnlyList<string> Failed => _programs.Failed;

        public IReadOnlyList<string> Unmatched => _choice.Unmatched;

        public uint IdOf(string program) => _bpf.GetProgram(program).Program.Id;

        public void Update(bool isThorough = true) =>
            _stage.Network.Invoke(() => _programs.Update(_choice.Of(NodeNetworkWatcher.Read()), isThorough));

        public void Dispose()
        {
            _programs.Dispose();
            _bpf.Dispose();
        }
    }
}
