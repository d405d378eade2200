namespace EbpfProxy.Output;

/// <summary>The state of the node in JSON.</summary>
/// <param name="Version">The version of the program that was asked; the daemon's own is in <paramref name="Daemon"/>.</param>
/// <param name="Running">Whether a daemon runs.</param>
/// <param name="Daemon">What the daemon that runs, or the last one, left; null where there was none.</param>
/// <param name="Health">What the daemon that runs answers when it is asked for its health, in words; null where none runs.</param>
/// <param name="Attached">Whether all socket programs are attached.</param>
/// <param name="Programs">Those that are.</param>
/// <param name="ProgramCount">How many there are to attach.</param>
/// <param name="HandedBack">Whether kube-proxy has the new connections, and only what was open goes on here.</param>
/// <param name="ServiceCount">How many services there are: one a port and family.</param>
/// <param name="BackendCount">How many backends they have in all.</param>
/// <param name="Devices">The programs at devices.</param>
/// <param name="Maps">How full the maps are.</param>
/// <param name="Events">What the programs counted, by reason.</param>
/// <param name="FastPath">Whether connections go around the stack, and if not, why.</param>
internal sealed record StatusJson(
    string Version,
    bool Running,
    DaemonJson? Daemon,
    string? Health,
    bool Attached,
    IReadOnlyList<string> Programs,
    int ProgramCount,
    bool HandedBack,
    int ServiceCount,
    int BackendCount,
    IReadOnlyList<DeviceHookJson> Devices,
    IReadOnlyList<MapJson> Maps,
    IReadOnlyDictionary<string, ulong> Events,
    FastPathJson FastPath);

/// <summary>Whether connections go around the stack.</summary>
internal sealed record FastPathJson(bool On, string Message);

/// <summary>A program of ours at a device. The kind is that of a virtual device, empty for hardware.</summary>
internal sealed record DeviceHookJson(
    string Device, string Kind, string Direction, string Place, IReadOnlyList<string> Before, IReadOnlyList<string> After);
