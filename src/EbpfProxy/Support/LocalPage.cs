using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EbpfProxy.Support;

/// <summary>Asks a page of the daemon on this node.</summary>
internal static class LocalPage
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    /// <summary>The body of the answer, whatever its status.</summary>
    /// <exception cref="IOException">Nobody answers.</exception>
    public static string Get(IPEndPoint address, string path)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
            {
                ReceiveTimeout = (int)_patience.TotalMilliseconds,
                SendTimeout = (int)_patience.TotalMilliseconds,
            };
            socket.Connect(address);
            socket.Send(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"));
            using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            string answer = reader.ReadToEnd();
            int head = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            return head < 0 ? answer : answer[(head + 4)..];
        }
        catch (SocketException error)
        {
            throw new IOException($"http://{address}{path}: {error.Message}", error);
        }
    }
}
