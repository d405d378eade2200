using EbpfProxy.Daemon;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Http.Live;

/// <summary>Reads what the page shows from the maps that traffic uses.</summary>
/// <param name="bpfFileSystem">Where they are pinned.</param>
/// <param name="devices">How many devices have the programs.</param>
/// <param name="time">The clock.</param>
internal sealed class LiveReader(string bpfFileSystem, Func<int> devices, TimeProvider time)
{
    private const int MostServices = 200;

    // What is asked for by several pages, or by one whose filter is being typed, is read once.
    private static readonly TimeSpan _age = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Look? _last;

    /// <param name="filter">Part of a service's name, address or endpoint; empty for all.</param>
    /// <exception cref="IOException">The maps cannot be read.</exception>
    public LiveData Read(string filter)
    {
        var look = Look();
        var matches = look.Services.Where(service => Matches(service, filter)).ToList();
        return look.Node with
        {
            ServiceMatches = matches.Count,
            Services = [.. matches.OrderByDescending(service => service.Opened + service.Refused).ThenBy(service => service.Name, StringComparer.Ordinal).Take(MostServices)],
        };
    }

    private Look Look()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (_last is null || now - _last.At >= _age)
            {
                _last = new Look(now, ReadNode(now), ReadServices());
            }

            return _last;
        }
    }

    private LiveData ReadNode(DateTimeOffset now)
    {
        var daemon = DaemonNote.Parse(DaemonNotes.Read(bpfFileSystem)) ?? throw new IOException("the daemon has not said yet how it is");
        var fastPath = FastPathView.Read(bpfFileSystem);
        var counters = ReasonCounters.Read(bpfFileSystem);
        var fills = TableFills.Read(bpfFileSystem);
        return new LiveData(
            now.ToUnixTimeMilliseconds(),
            daemon.Node,
            daemon.Version,
            daemon.Source,
            daemon.SourceError,
            daemon.LastSync,
            daemon.SyncError,
            devices(),
            daemon.FailedDevices,
            fastPath.IsOn,
            fastPath.Reason,
            (int)InUse("services"),
            (int)InUse("backends"),
            fills,
            Enum.GetValues<Reason>().Where(reason => reason != Reason.None && (int)reason < counters.Count)
                .ToDictionary(Words.Of, reason => counters[(int)reason]),
            ServiceMatches: 0,
            Services: []);

        long InUse(string table) => fills.FirstOrDefault(fill => fill.Table == table)?.InUse ?? 0;
    }

    private List<LiveService> ReadServices()
    {
        var tallies = TallyView.Read(bpfFileSystem).ToDictionary(tally => tally.ServiceId);
        return
        [
            .. DatapathView.ReadServices(bpfFileSystem).Select(row =>
            {
                var tally = tallies.GetValueOrDefault(row.Id);
                return new LiveService(
                    row.Id,
                    $"{row.Key} {Words.Of(row.Key.Protocol)}",
                    [.. row.Frontends.Select(frontend => Words.Of(frontend.Address, frontend.Port))],
                    [.. row.Backends.Select(backend => $"{Words.Of(backend.Address, backend.Port)}{StateOf(backend)}")],
                    tally?.Opened ?? 0,
                    tally?.Open ?? 0,
                    tally is { HasBytes: true } ? tally.BytesSent : null,
                    tally is { HasBytes: true } ? tally.BytesReceived : null,
                    tally?.CountsSocketBytes ?? false,
                    tally?.Refusals.Sum ?? 0);
            }),
        ];
    }

    private static string StateOf(BackendRow backend) => Words.Of(backend.Use) is var state && state == "ready" ? "" : $" ({state})";

    private static bool Matches(LiveService service, string filter) =>
        filter.Length == 0
        || service.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)
        || service.Frontends.Concat(service.Endpoints).Any(place => place.Contains(filter, StringComparison.OrdinalIgnoreCase));
}

/// <summary>The maps as they were at one moment.</summary>
internal sealed record Look(DateTimeOffset At, LiveData Node, IReadOnlyList<LiveService> Services);
