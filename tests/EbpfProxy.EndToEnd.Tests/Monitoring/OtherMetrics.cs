using System.Net;
using System.Net.Sockets;
using System.Text;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>Somebody else who serves metrics where the daemon of a node would.</summary>
internal sealed class OtherMetrics : IDisposable
{
    private const string Body = "other_metric 1\n";

    private static readonly byte[] _answer = Encoding.ASCII.GetBytes(
        $"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {Body.Length}\r\nConnection: close\r\n\r\n{Body}");

    private readonly TcpListener _listener;
    private readonly Task _answering;

    public OtherMetrics(TestNode node)
    {
        TcpListener? listener = null;
        node.Network.Invoke(() =>
        {
            listener = new TcpListener(IPAddress.Loopback, 10249);
            listener.Start();
        });
        _listener = listener!;
        _answering = AnswerAllAsync();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _answering.Wait();
    }

    private async Task AnswerAllAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await AnswerAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private static async Task AnswerAsync(TcpClient client)
    {
        try
        {
            var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII);
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
            }

            await stream.WriteAsync(_answer);
        }
        catch (IOException)
        {
            // Who asked has gone.
        }
    }
}
