using System.Globalization;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>The native binary as the daemon of a node. Ending it leaves what it put into the kernel.</summary>
public sealed class NodeProxy : IDisposable
{
    private const int HealthPort = 10256;
    private const int MetricsPort = 10249;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan _logDeadline = TimeSpan.FromSeconds(10);

    private readonly TestNode _node;
    private readonly LineProcess _process;

    public NodeProxy(TestNode node, params string[] source)
    {
        _node = node;
        _process = node.Host.Start([node.Binary, .. Arguments(node), .. source]);
    }

    public IReadOnlyList<string> Log => _process.Lines;

    public bool HasExited => _process.HasExited;

    /// <summary>What every daemon of a node is started with.</summary>
    public static string[] Arguments(TestNode node) =>
    [
        "run",
        "--cgroup-root", node.CgroupRoot,
        "--bpffs", node.BpfFileSystem,
        "--hostname-override", node.Name,
        "--healthz-bind-address", $"127.0.0.1:{HealthPort}",
        "--metrics-bind-address", $"127.0.0.1:{MetricsPort}",
        "-v", "4",
    ];

    /// <summary>Waits until the tables hold what the source has.</summary>
    public void WaitUntilReady() => Eventually.Succeeds(
        () =>
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"the proxy ended:\n{LogText}");
            }

            string answer = Get(HealthPort, "/readyz");
            if (!answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
            {
                throw new IOException($"not ready: {answer}\n{LogText}");
            }

            // The other server comes in its own time.
            Get(MetricsPort, "/proxyMode");
        },
        _deadline);

    /// <summary>Waits for a line of the log.</summary>
    public string WaitForLog(Func<string, bool> fits) => _process.ReadLine(fits);

    /// <summary>Waits until a line of the log is there, wherever: lines come a little after what they tell of.</summary>
    public void AssertLogs(Func<string, bool> fits)
    {
        try
        {
            Eventually.Holds(() => Log.Any(fits), _logDeadline);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"no line of the log fits:\n{LogText}", e);
        }
    }

    /// <summary>What is served at the health address; the answer with its head.</summary>
    public string Health(string path) => Get(HealthPort, path);

    /// <summary>What is served at the metrics address; the answer with its head.</summary>
    public string Metrics(string path, string headers = "") => RawHttp.Get(_node.Host, "127.0.0.1", MetricsPort, path, headers);

    /// <summary>The value of a series of /metrics, named with its labels; 0 where it is not there.</summary>
    public double Metric(string series)
    {
        string? line = Get(MetricsPort, "/metrics").Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>How often the programs had this reason.</summary>
    public double Events(string reason) => Metric($"ebpf_proxy_datapath_events_total{{reason=\"{reason}\"}}");

    /// <summary>kill -9.</summary>
    public void Kill() => _process.Kill();

    /// <summary>SIGSTOP: it is there, and does nothing.</summary>
    public void Suspend() => _process.Suspend();

    /// <summary>SIGTERM, and the end.</summary>
    public int Terminate() => _process.Terminate();

    /// <summary>Waits until it ends by itself.</summary>
    public int WaitForExit() => _process.WaitForExit();

    public void Dispose() => _process.Dispose();

    private string LogText => string.Join('\n', _process.Lines);

    private string Get(int port, string path)
    {
        try
        {
            return RawHttp.Get(_node.Host, "127.0.0.1", port, path);
        }
        catch (IOException e)
        {
            throw new IOException($"{e.Message}; log:\n{LogText}", e);
        }
    }
}
