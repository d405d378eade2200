using System.Diagnostics;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests;

/// <summary>A UDP socket of a process that is in a cgroup and in a network namespace. It ends with this object.</summary>
internal sealed class DatagramSocket : IDisposable
{
    /// <summary>A line for a line: what to do with an address and a port, and what came of it.</summary>
    private const string Program =
        """
        use Socket qw(:DEFAULT inet_pton inet_ntop pack_sockaddr_in6 unpack_sockaddr_in6);
        $| = 1;
        my $is_v6 = $ARGV[0] == 6;
        socket(my $s, $is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0) or die;
        sub name { my ($port, $address) = $is_v6 ? unpack_sockaddr_in6($_[0]) : unpack_sockaddr_in($_[0]);
          return inet_ntop($is_v6 ? AF_INET6 : AF_INET, $address) . " $port" }
        while (<STDIN>) {
          my ($what, $address, $port) = split;
          my $to = $port && ($is_v6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address)) : pack_sockaddr_in($port, inet_aton($address)));
          my $result = "";
          if ($what eq "connect") { $result = connect($s, $to) ? "connected" : "$!" }
          elsif ($what eq "send") { $result = defined(send($s, "asked", 0, $to)) ? "sent" : "$!" }
          elsif ($what eq "peer") { my $peer = getpeername($s); $result = $peer ? name($peer) : "$!" }
          elsif ($what eq "error") { $result = unpack("i", getsockopt($s, SOL_SOCKET, SO_ERROR)) }
          elsif ($what eq "receive") { my $ready = ""; vec($ready, fileno($s), 1) = 1;
            my $from = select($ready, undef, undef, $address) ? recv($s, my $text, 64, 0) : undef;
            $result = $from ? name($from) : "nothing" }
          print "$result\n";
        }
        """;

    private readonly Process _process;
    private bool _isClosed;

    /// <param name="cgroup">Its cgroup.</param>
    /// <param name="network">Its network namespace, as a file.</param>
    /// <param name="family">4 or 6.</param>
    public DatagramSocket(ScratchCgroup cgroup, string network, int family)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string word in (string[])
            ["-c", "echo $$ > \"$1/cgroup.procs\" && exec nsenter --net=\"$2\" perl -e \"$3\" \"$4\"", "bash", cgroup.Path, network, Program, $"{family}"])
        {
            start.ArgumentList.Add(word);
        }

        _process = Process.Start(start)!;
    }

    public string Connect(string address, int port) => Do($"connect {address} {port}");

    /// <summary>Sends a datagram that says where to.</summary>
    public string SendTo(string address, int port) => Do($"send {address} {port}");

    /// <summary>Who sent the next datagram; "nothing" where none comes in so many seconds.</summary>
    public string Receive(double seconds = 5) => Do(FormattableString.Invariant($"receive {seconds}"));

    public string Peer => Do("peer");

    /// <summary>The error that waits for the socket; 0 for none.</summary>
    public string Error => Do("error");

    public void Dispose()
    {
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private string Do(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{line}: it ended");
    }
}
