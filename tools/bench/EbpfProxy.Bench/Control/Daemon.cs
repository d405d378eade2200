using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace EbpfProxy.Bench.Control;

/// <summary>Where a daemon is and what it works on: its program, a folder with a BPF filesystem, a cgroup.</summary>
internal sealed record DaemonPlace(string Program, string Folder, string Cgroup)
{
    public string BpfFileSystem => Path.Combine(Folder, "bpf");

    public string Tables => Path.Combine(BpfFileSystem, "ebpf-proxy", "tables-v1");
}

/// <summary>What one run of the daemon's loop wrote, by its log, and when that was read, in seconds from the start.</summary>
internal readonly record struct SyncLine(double Seconds, int Services, int Writes);

/// <summary>A daemon that runs; ends with it.</summary>
internal sealed partial class Daemon : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly List<SyncLine> _syncs = [];
    private readonly List<string> _lines = [];

    private Daemon(DaemonPlace place, string arguments)
    {
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(place.Program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true },
        };
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Start();
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    public static Daemon Run(DaemonPlace place, string server) => new(
        place,
        $"run --master {server} --hostname-override bench --cgroup-root {place.Cgroup} --bpffs {place.BpfFileSystem} "
        + "--healthz-bind-address 127.0.0.1:10256 --metrics-bind-address 127.0.0.1:10249 -v 4");

    /// <summary>Removes what a daemon left behind.</summary>
    public static void CleanUp(DaemonPlace place)
    {
        using var cleanup = new Daemon(place, $"cleanup --bpffs {place.BpfFileSystem}");
        cleanup._process.WaitForExit();
        if (cleanup._process.ExitCode != 0)
        {
            throw new InvalidOperationException("cleanup failed: " + string.Join('\n', cleanup._lines));
        }
    }

    /// <summary>Waits for the line of a sync; they count from 0.</summary>
    public SyncLine WaitSync(int index)
    {
        lock (_syncs)
        {
            while (_syncs.Count <= index)
            {
                if (_process.HasExited || !Monitor.Wait(_syncs, _patience))
                {
                    throw new InvalidOperationException("the daemon did not do it:\n" + string.Join('\n', _lines));
                }
            }

            return _syncs[index];
        }
    }

    public MemoryFigures Memory() => MemoryFigures.Of(_process.Id);

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        lock (_syncs)
        {
            _lines.Add(line);
            if (Applied().Match(line) is { Success: true } applied)
            {
                _syncs.Add(new SyncLine(seconds, Number(applied.Groups[1]), Number(applied.Groups[2])));
            }
            else if (Unchanged().Match(line) is { Success: true } unchanged)
            {
                _syncs.Add(new SyncLine(seconds, Number(unchanged.Groups[1]), 0));
            }

            Monitor.PulseAll(_syncs);
        }
    }

    private static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Applied (\d+) services with (\d+) map writes")]
    private static partial Regex Applied();

    [GeneratedRegex(@"Looked at (\d+) services")]
    private static partial Regex Unchanged();
}
