using EbpfProxy.Datapath.Devices;
using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Programs;

/// <summary>
/// The programs at devices, in two objects with the same maps. Those for an Ethernet header are there from the start.
/// Those for packets without link header are loaded when a device first needs them: few nodes have such a device, and
/// the kernel takes as long to verify them as the others.
/// </summary>
internal sealed class TcPrograms : IDisposable
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _longestPause = TimeSpan.FromHours(1);

    private readonly BpfObject _ethernet;
    private readonly Func<BpfObject> _openOthers;
    private readonly TimeProvider _time;
    private BpfObject? _others;
    private IOException? _refusal;
    private long _refused;
    private TimeSpan _pause = _firstPause;
    private volatile BpfProgram[] _loaded;

    /// <param name="ethernet">The object with those for an Ethernet header, loaded. It is disposed with this.</param>
    /// <param name="openOthers">Opens the object with those for packets without link header, not loaded.</param>
    /// <param name="time">The clock.</param>
    public TcPrograms(BpfObject ethernet, Func<BpfObject> openOthers, TimeProvider time)
    {
        _ethernet = ethernet;
        _openOthers = openOthers;
        _time = time;
        _loaded = [.. ProgramsOf(ethernet, LinkHeader.Ethernet)];
    }

    /// <summary>Those that are in the kernel. May be read from any thread.</summary>
    public IReadOnlyList<BpfProgram> Loaded => _loaded;

    /// <summary>The program for a direction and a header, which is loaded if it is not yet.</summary>
    /// <exception cref="IOException">
    /// The kernel refuses it. That is remembered: it is not asked again before a pause that grows to an hour, and until
    /// then the same is said.
    /// </exception>
    public BpfProgram Get(TrafficDirection direction, LinkHeader header)
    {
        if (header == LinkHeader.None && _others is null)
        {
            LoadOthers();
        }

        string name = DeviceProgramNames.Of(direction, header);
        return _loaded.First(program => program.Name == name);
    }

    public void Dispose()
    {
        _others?.Dispose();
        _ethernet.Dispose();
    }

    private static IEnumerable<BpfProgram> ProgramsOf(BpfObject bpf, LinkHeader header) =>
        DeviceProgramNames.For(header).Select(name => bpf.GetProgram(name).Program);

    private void LoadOthers()
    {
        if (_refusal is not null)
        {
            if (_time.GetElapsedTime(_refused) < _pause)
            {
                throw new IOException(_refusal.Message, _refusal);
            }

            _pause = TimeSpan.FromTicks(Math.Min(2 * _pause.Ticks, _longestPause.Ticks));
        }

        BpfObject? others = null;
        try
        {
            others = _openOthers();
            TcObject.ShareMaps(others, _ethernet);
            others.Load();
            _loaded = [.. _loaded, .. ProgramsOf(others, LinkHeader.None)];
            _others = others;
        }
        catch (IOException error)
        {
            others?.Dispose();
            _refusal = error;
            _refused = _time.GetTimestamp();
            throw;
        }
    }
}
