using System.Net;
using System.Net.Sockets;
using System.Text;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>Requests byte by byte, as load balancers and probes send them.</summary>
public static class RawHttp
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    /// <summary>One request; the answer with its head.</summary>
    /// <param name="from">Whose network is asked from.</param>
    /// <param name="address">The address.</param>
    /// <param name="port">The port.</param>
    /// <param name="path">The path.</param>
    /// <param name="headers">Headers, each with its end of line.</param>
    /// <exception cref="IOException">There is no answer.</exception>
    public static string Get(Place from, string address, int port, string path, string headers = "")
    {
        string answer = "";
        ScratchNetworkNamespace.InvokeIn(from.NetworkNamespace, () =>
        {
            var ip = IPAddress.Parse(address);
            try
            {
                using var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
                {
                    ReceiveTimeout = (int)_deadline.TotalMilliseconds,
                    SendTimeout = (int)_deadline.TotalMilliseconds,
                };
                socket.Connect(ip, port);
                using var stream = new NetworkStream(socket);

                // Of HTTP/1.1 a long answer would come in chunks, whose lengths stand between its lines or within one.
                stream.Write(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n"));
                using var reader = new StreamReader(stream, Encoding.UTF8);
                answer = reader.ReadToEnd();
            }
            catch (SocketException e)
            {
                throw new IOException($"{address} port {port}: {e.SocketErrorCode}", e);
            }
        });
        return answer;
    }
}
