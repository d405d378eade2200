using EbpfProxy.Daemon;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Commands;

/// <summary>The state of the node in JSON.</summary>
/// <param name="Version">The version of the program that was asked; the daemon's own is in <paramref name="Daemon"/>.</param>
/// <param name="Running">Whether a daemon runs.</param>
/// <param name="Daemon">What the daemon that runs, or the last one, left; null where there was none.</param>
/// <param name="Health">What the daemon that runs answers when it is asked for its health, in words; null where none runs.</param>
/// <param name="Attached">Whether all socket programs are attached.</param>
/// <param name="Programs">Those that are.</param>
/// <param name="AllPrograms">How many there are to attach.</param>
/// <param name="HandedBack">Whether kube-proxy has the new connections, and only what was open goes on here.</param>
/// <param name="Services">How many services there are: one a port and family.</param>
/// <param name="Backends">How many backends they have in all.</param>
/// <param name="Devices">The programs at devices.</param>
/// <param name="Tables">How full the tables are.</param>
/// <param name="Events">What the programs counted, by reason.</param>
/// <param name="FastPath">Whether connections go around the stack, and if not, why.</param>
internal sealed record StatusJson(
    string Version,
    bool Running,
    DaemonNote? Daemon,
    string? Health,
    bool Attached,
    IReadOnlyList<string> Programs,
    int AllPrograms,
    bool HandedBack,
    int Services,
    int Backends,
    IReadOnlyList<DeviceHookJson> Devices,
    IReadOnlyList<TableFill> Tables,
    IReadOnlyDictionary<string, ulong> Events,
    FastPathJson FastPath);

/// <summary>Whether connections go around the stack.</summary>
internal sealed record FastPathJson(bool On, string Reason);

/// <summary>A program of ours at a device.</summary>
internal sealed record DeviceHookJson(string Device, string Direction, string Place, IReadOnlyList<string> Before, IReadOnlyList<string> After);
