using System.Net;
using System.Net.Sockets;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// Connects to a name that may have several addresses. Each has a head start before the next, and the first that answers is
/// taken (as RFC 8305 has it, and Go): one that is silent must not use up the time of the others.
/// </summary>
internal static class Dialing
{
    private static readonly TimeSpan _headStart = TimeSpan.FromMilliseconds(300);

    /// <exception cref="SocketException">No address answers.</exception>
    public static async Task<Socket> ConnectAsync(IReadOnlyList<IPAddress> addresses, int port, CancellationToken token)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(token);
        var attempts = new List<Task<Socket>>();
        try
        {
            for (int begun = 0; ;)
            {
                if (begun < addresses.Count)
                {
                    attempts.Add(ConnectAsync(new IPEndPoint(addresses[begun++], port), end.Token));
                }

                var first = Task.WhenAny(attempts);
                if (begun < addresses.Count)
                {
                    await Task.WhenAny(first, Task.Delay(_headStart, end.Token));
                }
                else
                {
                    await first;
                }

                if (attempts.Find(attempt => attempt.IsCompleted) is { } over)
                {
                    attempts.Remove(over);
                    if (over.IsCompletedSuccessfully || (attempts.Count == 0 && begun == addresses.Count))
                    {
                        return await over;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            // By its own token the caller knows that the time was over.
            throw new OperationCanceledException(token);
        }
        finally
        {
            await end.CancelAsync();
            attempts.ForEach(Abandon);
        }
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint address, CancellationToken token)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 15);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 4);
            await socket.ConnectAsync(address, token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Closes what connects too late, and looks at why the others did not.</summary>
    private static void Abandon(Task<Socket> attempt) => _ = attempt.ContinueWith(
        static late =>
        {
            if (late.IsCompletedSuccessfully)
            {
                late.Result.Dispose();
            }
            else
            {
                _ = late.Exception;
            }
        },
        TaskScheduler.Default);
}
