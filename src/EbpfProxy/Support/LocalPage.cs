using System.Globalization;
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
    public static string Get(IPEndPoint address, string path) => AskAsync(address, path, _patience, CancellationToken.None).GetAwaiter().GetResult().Body;

    /// <summary>The status and the body of the answer.</summary>
    /// <exception cref="IOException">Nobody answers, nobody does in time, or what answers does not speak HTTP.</exception>
    public static async Task<(int Status, string Body)> AskAsync(IPEndPoint address, string path, TimeSpan patience, CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(patience);
        string url = $"http://{address}{path}";
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(address, limit.Token);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"), limit.Token);
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            string answer = await reader.ReadToEndAsync(limit.Token);
            int head = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            return head >= 0 && answer.Split(' ', 3) is [_, var status, _] && int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out int code)
                ? (code, answer[(head + 4)..])
                : throw new IOException($"{url}: what answers does not speak HTTP");
        }
        catch (SocketException error)
        {
            throw new IOException($"{url}: {error.Message}", error);
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            throw new IOException($"{url}: no answer within {patience.TotalSeconds} s");
        }
    }
}
