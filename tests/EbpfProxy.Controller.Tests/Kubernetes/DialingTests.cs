using System.Net;
using System.Net.Sockets;
using EbpfProxy.Controller.Kubernetes;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class DialingTests : IAsyncDisposable
{
    private static readonly IPAddress _silent = IPAddress.Parse("127.0.0.3");
    private static readonly IPAddress _open = IPAddress.Parse("127.0.0.4");
    private static readonly IPAddress _closed = IPAddress.Parse("127.0.0.5");

    private readonly TcpListener _server = new(_open, 0);
    private readonly CancellationTokenSource _end = new(TimeSpan.FromSeconds(30));
    private readonly Socket _full = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _fill = [];

    private int Port => ((IPEndPoint)_server.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _fill.ForEach(socket => socket.Dispose());
        _full.Dispose();
        _server.Dispose();
        _end.Dispose();
    }

    [Fact]
    public async Task An_address_that_is_silent_does_not_keep_the_next_from_being_asked()
    {
        await StartAsync();

        using var socket = await Dialing.ConnectAsync([_silent, _closed, _open], Port, _end.Token);

        Assert.Equal(new IPEndPoint(_open, Port), socket.RemoteEndPoint);
    }

    [Fact]
    public async Task Where_none_answers_it_is_told_why()
    {
        await StartAsync();

        var error = await Assert.ThrowsAsync<SocketException>(() => Dialing.ConnectAsync([_closed, IPAddress.Parse("127.0.0.6")], Port, _end.Token));

        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
    }

    [Fact]
    public async Task Where_all_are_silent_it_is_over_when_the_time_is()
    {
        await StartAsync();
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));

        var over = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Dialing.ConnectAsync([_silent, _silent], Port, soon.Token));

        Assert.Equal(soon.Token, over.CancellationToken);
    }

    /// <summary>Who listens and takes nobody is silent when its queue is full.</summary>
    private async Task StartAsync()
    {
        _server.Start();
        _full.Bind(new IPEndPoint(_silent, Port));
        _full.Listen(0);
        for (bool isFull = false; !isFull;)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _fill.Add(socket);
            var connected = socket.ConnectAsync(new IPEndPoint(_silent, Port), _end.Token).AsTask();
            isFull = await Task.WhenAny(connected, Task.Delay(300, _end.Token)) != connected;
        }
    }
}
