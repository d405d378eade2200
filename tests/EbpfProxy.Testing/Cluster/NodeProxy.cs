using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>The native binary as the daemon of a node. Ending it leaves what it put into the kernel.</summary>
public sealed class NodeProxy : IDisposable
{
    private const int HealthPort = 10256;
    private const int MetricsPort = 10249;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

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
        },
        _deadline);

    /// <summary>Waits for a line of the log.</summary>
    public string WaitForLog(Func<string, bool> fits) => _process.ReadLine(fits);

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

    /// <summary>Waits until it ends by itself.</summary>
    public int WaitForExit() => _process.WaitForExit();

    public void Dispose() => _process.Dispose();

    private string LogText => string.Join('\n', _process.Lines);

    /// <summary>One request from inside the node; the answer with its head.</summary>
    private string Get(int port, string path)
    {
        string answer = "";
        _node.Network.Invoke(() =>
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(IPAddress.Loopback, port);
                using var stream = new NetworkStream(socket);
                stream.Write(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
                using var reader = new StreamReader(stream, Encoding.UTF8);
                answer = reader.ReadToEnd();
            }
            catch (SocketException e)
            {
                throw new IOException($"port {port}: {e.Message}; log:\n{LogText}", e);
            }
        });
        return answer;
    }
}
