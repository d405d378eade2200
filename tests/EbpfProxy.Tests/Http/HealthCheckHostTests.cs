using System.Net;
using System.Net.Sockets;
using System.Text;
using EbpfProxy.Controller.Health;
using EbpfProxy.Http;
using EbpfProxy.Model.Cluster;
using Microsoft.Extensions.DependencyInjection;

namespace EbpfProxy.Tests.Http;

public sealed class HealthCheckHostTests : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddLogging().BuildServiceProvider();
    private readonly HealthCheckHost _host;
    private readonly HttpClient _client = new();
    private ServiceHealthReport? _report = new(new ObjectName("a", "b"), 18, IsProxyHealthy: true);

    public HealthCheckHostTests() => _host = new HealthCheckHost(_services, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _host.Dispose();
        await _services.DisposeAsync();
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task Answer_has_the_headers_and_the_body_of_kube_proxy(string address)
    {
        using var listener = Listen(address, out var endpoint);

        using var answer = await _client.GetAsync(new Uri($"http://{endpoint}/any/path"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("18", Assert.Single(answer.Headers.GetValues("X-Load-Balancing-Endpoint-Weight")));
        Assert.Equal(
            "{\n\t\"service\": {\n\t\t\"namespace\": \"a\",\n\t\t\"name\": \"b\"\n\t},\n\t\"localEndpoints\": 18,\n\t\"serviceProxyHealthy\": true\n}",
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("POST")]
    [InlineData("OPTIONS")]
    public async Task Every_method_is_answered(string method)
    {
        using var listener = Listen("127.0.0.1", out var endpoint);
        _report = _report! with { LocalEndpoints = 0 };
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"http://{endpoint}/"));
        request.Content = method == "POST" ? new StringContent("body") : null;

        using var answer = await _client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("0", Assert.Single(answer.Headers.GetValues("X-Load-Balancing-Endpoint-Weight")));
    }

    [Fact]
    public async Task A_closed_port_is_refused_and_can_be_had_again()
    {
        var listener = Listen("127.0.0.1", out var endpoint);
        await _client.GetAsync(new Uri($"http://{endpoint}/"), TestContext.Current.CancellationToken);

        listener.Dispose();

        using (var socket = new TcpClient())
        {
            await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(endpoint, TestContext.Current.CancellationToken).AsTask());
        }

        using var again = _host.Listen(endpoint, () => _report);
        Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync(new Uri($"http://{endpoint}/"), TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task A_connection_that_was_kept_is_cut_when_its_service_is_gone()
    {
        using var listener = Listen("127.0.0.1", out var endpoint);
        using var socket = new TcpClient();
        await socket.ConnectAsync(endpoint, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        byte[] request = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        await stream.WriteAsync(request, TestContext.Current.CancellationToken);
        byte[] answer = new byte[4096];
        int count = await stream.ReadAsync(answer, TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(answer, 0, count), StringComparison.Ordinal);

        _report = null;
        await stream.WriteAsync(request, TestContext.Current.CancellationToken);

        try
        {
            Assert.Equal(0, await stream.ReadAsync(answer, TestContext.Current.CancellationToken));
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
        }
    }

    [Fact]
    public void The_families_have_ports_of_their_own()
    {
        using var listener = Listen("0.0.0.0", out var endpoint);

        using var other = _host.Listen(new IPEndPoint(IPAddress.IPv6Any, endpoint.Port), () => _report);
        var taken = Assert.Throws<SocketException>(() => _host.Listen(endpoint, () => _report));

        Assert.Equal(SocketError.AddressAlreadyInUse, taken.SocketErrorCode);
    }

    /// <summary>A port that is free is found by the kernel.</summary>
    private IDisposable Listen(string address, out IPEndPoint endpoint)
    {
        var listener = _host.Listen(new IPEndPoint(IPAddress.Parse(address), 0), () => _report);
        endpoint = (IPEndPoint)((Socket)listener).LocalEndPoint!;
        return listener;
    }
}
