using System.Net.Sockets;
using System.Text;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>Tells whether a kube-proxy runs on this node.</summary>
internal static class KubeProxyProcess
{
    private const string Command = "kube-proxy";
    private const int MetricsPort = 10249;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);
    private static readonly string[] _modes = ["iptables", "ipvs", "nftables"];

    /// <summary>What process 1 is called where a folder shows a container's processes, not the node's.</summary>
    private static readonly string[] _firstOfContainer = ["ebpf-proxy", "pause"];

    /// <summary>Whether a folder shows the processes of the node, and not only those of a container that this is in.</summary>
    /// <param name="processes">/proc, or where that of the node is mounted.</param>
    public static bool IsOfNode(string processes) => !_firstOfContainer.Contains(ReadCommand(Path.Combine(processes, "1")));

    /// <summary>How it is known that one runs, in words; null where none is seen.</summary>
    /// <param name="processes">The folder that shows the node's processes: /proc, or where that of the node is mounted.</param>
    public static string? Find(string processes) => FindProcess(processes) is { } pid
        ? $"process {pid} is kube-proxy"
        : AskMode() is { } mode ? $"127.0.0.1:{MetricsPort}/proxyMode answers {mode}" : null;

    private static string? FindProcess(string processes)
    {
        string own = LinkOf("/proc/thread-self/ns/net") ?? "";
        return Directory.EnumerateDirectories(processes)
            .Where(path => Path.GetFileName(path).All(char.IsAsciiDigit))
            .Where(path => ReadCommand(path) == Command)

            // One whose namespace is not ours to see is the node's: kube-proxy has no other. One that is ending has none.
            .Where(path => LinkOf(Path.Combine(path, "ns/net")) is { } network ? network == own : !IsEnding(path))
            .Select(Path.GetFileName)
            .FirstOrDefault();
    }

    private static string? ReadCommand(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "comm")).TrimEnd('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile.
            return null;
        }
    }

    /// <summary>Whether only its parent has not heard yet that it ended. The state comes after the command (proc_pid_stat(5)).</summary>
    internal static bool IsEnding(string process)
    {
        try
        {
            string stat = File.ReadAllText(Path.Combine(process, "stat"));
            return stat[(stat.LastIndexOf(')') + 1)..].TrimStart() is ['Z' or 'X', ..];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static string? LinkOf(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>What answers where kube-proxy tells its mode, if it is one of kube-proxy's; a program that has kube-proxy inside has its own name.</summary>
    private static string? AskMode()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            {
                ReceiveTimeout = (int)_patience.TotalMilliseconds,
                SendTimeout = (int)_patience.TotalMilliseconds,
            };
            socket.Connect("127.0.0.1", MetricsPort);
            socket.Send("GET /proxyMode HTTP/1.0\r\n\r\n"u8);
            byte[] answer = new byte[4096];
            int length = 0;
            int received;
            while (length < answer.Length && (received = socket.Receive(answer.AsSpan(length))) > 0)
            {
                length += received;
            }

            string text = Encoding.ASCII.GetString(answer, 0, length);
            return _modes.FirstOrDefault(mode => text.EndsWith($"\r\n\r\n{mode}", StringComparison.Ordinal));
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
