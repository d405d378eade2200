using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Devices;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>
/// Turns the fast path on and off, by the word that the programs read with each packet. On the way to off, answers follow
/// the packets of their clients to the stack (enum path_around says why).
/// </summary>
internal sealed class FastPathSwitch(BpfMappedArray<PathState> state, FastPathMode mode, TimeProvider time, ILogger logger)
    : IDisposable
{
    /// <summary>For how long an answer that is under way may follow a client that says no more.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly ForeignPrograms _programs = new();

    /// <summary>Null until they are known: before that there is nothing to say.</summary>
    private NodeDevice[]? _devices;
    private NodeDevice[] _bridges = [];
    private string? _nftables;
    private string? _others;
    private long _turnedOff;
    private FastPathState? _state;
    private bool _hasLeft;

    /// <summary>Which way new connections go.</summary>
    public FastPathState State => Volatile.Read(ref _state) ?? new FastPathState(false, "not looked yet");

    /// <summary>Looks at everything; to be called when the rules of nftables changed.</summary>
    public void LookAtRules()
    {
        lock (_lock)
        {
            Look(isWhole: true);
        }
    }

    /// <summary>Looks at what nobody tells of; to be called every second.</summary>
    public void Tick()
    {
        lock (_lock)
        {
            Look(isWhole: false);
            ref uint around = ref state[0].GoesAround;
            if (around == (uint)PathAround.Answers && time.GetElapsedTime(_turnedOff) >= AnswerTime)
            {
                Volatile.Write(ref around, (uint)PathAround.TcpAnswers);
            }
            else if (around == (uint)PathAround.TcpAnswers && state[0].IsInUse == 0)
            {
                Volatile.Write(ref around, (uint)PathAround.Nothing);
            }
        }
    }

    /// <summary>Says which devices of the node have the programs or will have them, and looks at what else is at them.</summary>
    public void SetDevices(NodeNetwork network, IReadOnlyList<NodeDevice> devices)
    {
        lock (_lock)
        {
            bool isFirst = _devices is null;
            _devices = [.. devices];
            _bridges = [.. network.BridgesOf(devices)];
            Look(isFirst);
        }
    }

    /// <summary>Nobody looks any more: from now on a rule may come that nobody hears of.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (mode == FastPathMode.Auto && _state is not null)
            {
                TurnOff();
            }

            _hasLeft = true;
        }
    }

    public void Dispose()
    {
        Leave();
        _programs.Dispose();
    }

    private void Look(bool isWhole)
    {
        if (_devices is not { } devices || _hasLeft)
        {
            return;
        }

        if (mode == FastPathMode.Auto)
        {
            _nftables = isWhole ? Ask(NetfilterRules.FindNftables) : _nftables;
            _others = Ask(NetfilterRules.FindLegacy)
                ?? Ask(() => _programs.Find(devices))
                ?? Ask(() => SwitchPolicies.Find(devices, _bridges))
                ?? Ask(IpsecPolicies.Find);
        }

        Set(mode switch
        {
            FastPathMode.On => new FastPathState(true, "switched on"),
            FastPathMode.Off => new FastPathState(false, "switched off"),
            FastPathMode.Auto => (_nftables ?? _others) is { } reason ? new FastPathState(false, reason) : new FastPathState(true, "no rule or program of others"),
        });
    }

    private static string? Ask(Func<string?> find)
    {
        try
        {
            return find();
        }
        catch (IOException error)
        {
            return $"the kernel does not tell: {error.Message}";
        }
    }

    private void Set(FastPathState wanted)
    {
        if (wanted == _state)
        {
            return;
        }

        if (wanted.IsOn)
        {
            Volatile.Write(ref state[0].GoesAround, (uint)PathAround.All);
            Log.FastPathOn(logger, wanted.Reason);
        }
        else
        {
            TurnOff();
            Log.FastPathOff(logger, wanted.Reason);
        }

        Volatile.Write(ref _state, wanted);
    }

    private void TurnOff()
    {
        ref uint around = ref state[0].GoesAround;
        if (around == (uint)PathAround.All)
        {
            _turnedOff = time.GetTimestamp();
            Volatile.Write(ref around, (uint)PathAround.Answers);
        }
    }
}
