using System.Net;
using System.Net.Sockets;
using System.Text;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath;
using EbpfProxy.Support;

namespace EbpfProxy.Tests.Support;

/// <summary>What is told of a daemon that is asked where it said that it tells how it is.</summary>
public sealed class DaemonHealthTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly DaemonNote _note;

    public DaemonHealthTests()
    {
        _listener.Start();
        _note = new DaemonNote(
            "1.0", 42, DateTimeOffset.UnixEpoch, "n1", "/sys/fs/cgroup", "", SourceError: null, LastHeard: null, LastSync: null, SyncError: null, FailedDevices: 0,
            FailedNames: "", TellsLocalPods: true, LocalPods: "", MasqueradesAll: false, PreservesClient: false, ServicePrefixes: "", LoopbackNodePorts.None,
            Health: $"0.0.0.0:{Port}", HealthError: null, WaitingSince: null);
    }

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task One_that_is_well_is_asked_at_its_own_port_by_the_loopback_address()
    {
        var (asked, told) = await ServeAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}");

        Assert.StartsWith("GET /livez HTTP/1.0\r\n", asked, StringComparison.Ordinal);
        Assert.Equal($"http://127.0.0.1:{Port}/livez answers 200", told);
    }

    [Fact]
    public async Task One_that_is_not_well_is_told_with_what_it_says()
    {
        var (_, told) = await ServeAsync("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"healthy\":false}");

        Assert.Equal($"failed: http://127.0.0.1:{Port}/livez answers 503: {{\"healthy\":false}}", told);
    }

    [Theory]
    [InlineData("""{"healthy":true,"notReady":"waiting for the first lists","status":{}}""", "waiting for the first lists")]
    [InlineData("""{"healthy":false,"status":{},"hanging":"node"}""", "what does not come to an end: node")]
    [InlineData("[]", "[]")]
    [InlineData("busy", "busy")]
    public async Task Of_what_it_says_the_reason_is_told_where_there_is_one(string body, string reason)
    {
        var (_, told) = await ServeAsync($"HTTP/1.1 503 Service Unavailable\r\n\r\n{body}");

        Assert.Equal($"failed: http://127.0.0.1:{Port}/livez answers 503: {reason}", told);
    }

    [Fact]
    public async Task What_does_not_speak_HTTP_is_no_daemon()
    {
        var (_, told) = await ServeAsync("SSH-2.0-OpenSSH_9.2\r\n\r\n");

        Assert.Equal($"failed: http://127.0.0.1:{Port}/livez: what answers does not speak HTTP", told);
    }

    [Fact]
    public async Task Who_has_no_address_to_be_asked_at_lives_as_long_as_it_runs_and_is_not_ready()
    {
        foreach (var (note, reason) in new[]
        {
            (_note with { HealthError = "address already in use" }, "the daemon cannot serve its health: address already in use"),
            (_note with { Health = null }, "the daemon serves its health nowhere (--healthz-port=0), or is of another version"),
            (null, "the daemon serves its health nowhere (--healthz-port=0), or is of another version"),
        })
        {
            Assert.Equal($"it runs, and no more is known: {reason}", await AskAsync(note));
            var error = await Assert.ThrowsAsync<IOException>(() => DaemonHealth.AskReadyAsync(note, TestContext.Current.CancellationToken));
            Assert.Equal(reason, error.Message);
        }

        // Who holds the address was not asked.
        Assert.False(_listener.Pending());
    }

    [Fact]
    public async Task Who_does_not_listen_is_not_alive()
    {
        _listener.Stop();
        Assert.Equal($"failed: http://127.0.0.1:{_note.Health!.Split(':')[1]}/livez: Connection refused", await AskAsync(_note));
    }

    [Fact]
    public async Task One_that_does_not_answer_is_not_waited_for_longer_than_said()
    {
        var error = await Assert.ThrowsAsync<IOException>(() => LocalPage.AskAsync(
            (IPEndPoint)_listener.LocalEndpoint, "/livez", TimeSpan.FromSeconds(0.1), TestContext.Current.CancellationToken));

        Assert.Equal($"http://127.0.0.1:{Port}/livez: no answer within 0.1 s", error.Message);
    }

    private static async Task<string> AskAsync(DaemonNote? note)
    {
        try
        {
            return await DaemonHealth.AskAliveAsync(note, TestContext.Current.CancellationToken);
        }
        catch (IOException error)
        {
            return $"failed: {error.Message}";
        }
    }

    private async Task<(string Asked, string Told)> ServeAsync(string answer)
    {
        var told = AskAsync(_note);
        using var socket = await _listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        byte[] buffer = new byte[1024];
        int length = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(answer), TestContext.Current.CancellationToken);
        socket.Shutdown(SocketShutdown.Both);
        return (Encoding.ASCII.GetString(buffer, 0, length), await told);
    }
}
