using System.Globalization;
using EbpfProxy.Options;

namespace EbpfProxy.Daemon;

/// <summary>
/// Tells the kernel's connection tracking what kube-proxy tells it: no flow that is translated here depends on it, but those
/// of others on the node do. Only what differs is written. What a container may not write is left, and told.
/// </summary>
internal sealed class ConntrackSysctls(ConntrackOptions options, ILogger logger, ConntrackPaths? paths = null)
{
    private const int MostConnections = 1024 * 1024;

    private readonly ConntrackPaths _paths = paths ?? new();

    /// <exception cref="IOException">The kernel refuses, in kube-proxy's words.</exception>
    public void Apply()
    {
        if (!File.Exists(Setting("max")))
        {
            Log.NoConntrack(logger, _paths.Settings);
            return;
        }

        try
        {
            SetSize();
            WriteSeconds("tcp_timeout_established", options.TcpEstablished);
            WriteSeconds("tcp_timeout_close_wait", options.TcpCloseWait);
            if (options.IsTcpLiberal)
            {
                Write(Setting("tcp_be_liberal"), 1);
            }

            WriteSeconds("udp_timeout", options.Udp);
            WriteSeconds("udp_timeout_stream", options.UdpStream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new IOException($"could not set conntrack parameters from kube-proxy configuration: {e.Message}", e);
        }
    }

    /// <summary>How many connections are tracked on a node with this many CPUs; 0 for what the kernel has.</summary>
    internal static int MaxOf(ConntrackOptions options, int cpus)
    {
        if (options.MaxPerCore == 0)
        {
            return 0;
        }

        long scaled = (long)options.MaxPerCore * cpus;
        return scaled > MostConnections ? MostConnections : (int)Math.Max(scaled, options.Min);
    }

    /// <summary>"0-3,5": how many that is.</summary>
    internal static int CountOf(string ranges) => ranges.Trim().Split(',', StringSplitOptions.RemoveEmptyEntries).Sum(range =>
    {
        int[] ends = [.. range.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
        return ends[^1] - ends[0] + 1;
    });

    private void SetSize()
    {
        int max = MaxOf(options, CountCpus());
        if (max == 0)
        {
            return;
        }

        // Both are the machine's: in a network namespace of its own the kernel lets nobody write the first.
        if (new FileInfo(Setting("max")).IsReadOnly)
        {
            Log.NotTheMachine(logger, Setting("max"));
            return;
        }

        Write(Setting("max"), max);
        if (Read(_paths.HashSize) < max / 4)
        {
            Write(_paths.HashSize, max / 4);
        }
    }

    private int CountCpus() => File.Exists(_paths.Cpus) ? CountOf(File.ReadAllText(_paths.Cpus)) : Environment.ProcessorCount;

    private void WriteSeconds(string name, TimeSpan value)
    {
        if (value > TimeSpan.Zero)
        {
            Write(Setting(name), (int)Math.Min(value.TotalSeconds, int.MaxValue));
        }
    }

    private void Write(string path, int value)
    {
        int before = Read(path);
        if (before == value)
        {
            return;
        }

        try
        {
            File.WriteAllText(path, value.ToString(CultureInfo.InvariantCulture));
            Log.SysctlWritten(logger, path, before, value);
        }
        catch (Exception e) when ((e is IOException or UnauthorizedAccessException) && _paths.IsReadOnly(path))
        {
            Log.SysctlReadOnly(logger, path, before, value);
        }
    }

    private static int Read(string path) => int.Parse(File.ReadAllText(path), NumberStyles.Integer, CultureInfo.InvariantCulture);

    private string Setting(string name) => Path.Combine(_paths.Settings, $"nf_conntrack_{name}");
}
