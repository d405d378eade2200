using System.Diagnostics;

namespace EbpfProxy.Bench.Control;

/// <summary>
/// Starts, restarts, changes and memory of the native binary against an API server in this process. A line of output for
/// each measurement: what, of which cluster, which time, figures.
/// </summary>
internal static class ControlBench
{
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    public static void Run(DaemonPlace place, int starts, int changes)
    {
        Say($"binary,,0,{new FileInfo(place.Program).Length}");
        Starts(place, new Cluster(0, 0), 1, changes: 0);
        Starts(place, new Cluster(10_000, 10), starts, changes);
        Starts(place, new Cluster(5_000, 50), starts, changes: 0);
        Starts(place, new Cluster(44_000, 1), starts, changes: 0);
        Starts(place, new Cluster(10_000, 10), starts, changes: 0, streamsLists: true);
    }

    private static void Starts(DaemonPlace place, Cluster cluster, int starts, int changes, bool streamsLists = false)
    {
        Console.Error.WriteLine($"bench: {starts} starts with {cluster.Services} services of {cluster.Endpoints} endpoints");
        using var server = new ApiServer(cluster, streamsLists);
        string name = streamsLists ? cluster.Name + "-streamed" : cluster.Name;
        for (int i = 0; i < starts; i++)
        {
            using (var daemon = Daemon.Run(place, server.Address))
            {
                var sync = daemon.WaitSync(0);
                Say($"start,{name},{i},{sync.Seconds:0.0000},{sync.Writes}");

                // The collector gives back what the list needed a moment after the first sync.
                Thread.Sleep(_rest);
                var memory = daemon.Memory();
                Say($"memory,{name},{i},{memory.Resident},{memory.Proportional},{memory.Peak},{memory.Maps}");
            }

            using (var daemon = Daemon.Run(place, server.Address))
            {
                var sync = daemon.WaitSync(0);
                Say($"restart,{name},{i},{sync.Seconds:0.0000},{sync.Writes}");
                if (i == 0 && changes > 0)
                {
                    Change(place, cluster, server, daemon, changes);
                    var memory = daemon.Memory();
                    Say($"memory-after-changes,{name},{i},{memory.Resident},{memory.Proportional},{memory.Peak},{memory.Maps}");
                }
            }

            Daemon.CleanUp(place);
        }
    }

    /// <summary>Takes the last endpoint from one service after the other and, in a second turn, gives it back.</summary>
    private static void Change(DaemonPlace place, Cluster cluster, ApiServer server, Daemon daemon, int changes)
    {
        Console.Error.WriteLine($"bench: {changes} changes");
        SpinWait.SpinUntil(() => server.IsWatched, _patience);
        Thread.Sleep(_rest);
        using var words = new ServiceWords(place.Tables);
        for (int i = 0; i < changes; i++)
        {
            bool isSecond = i >= changes / 2;
            int service = (isSecond ? i - (changes / 2) : i) * 7919 % cluster.Services;
            byte[] message = ApiServer.Event(Cluster.Slice(service, cluster.Endpoints - (isSecond ? 0 : 1), version: i + 2));
            int id = words.IdOf(Cluster.ServiceName(service));
            ulong before = words.Read(id);
            long start = Stopwatch.GetTimestamp();
            server.Send(message);
            while (words.Read(id) == before)
            {
                if (Stopwatch.GetElapsedTime(start) > _patience)
                {
                    throw new TimeoutException($"change {i} of {Cluster.ServiceName(service)} did not come");
                }
            }

            double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            Say($"change,{cluster.Name},{i},{milliseconds:0.0000},{daemon.WaitSync(i + 1).Writes}");
            Thread.Sleep(5);
        }
    }

    private static void Say(FormattableString line) => Console.WriteLine(FormattableString.Invariant(line));
}
