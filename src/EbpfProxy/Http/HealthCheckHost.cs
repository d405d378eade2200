using System.Net;
using System.Net.Sockets;
using EbpfProxy.Controller.Health;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using MsOptions = Microsoft.Extensions.Options.Options;

namespace EbpfProxy.Http;

/// <summary>
/// Answers load balancers on any number of ports by one HTTP server: a port costs a socket that listens, and nothing else.
/// The server is started with the first of them.
/// </summary>
internal sealed class HealthCheckHost : IHealthCheckListeners, IDisposable
{
    private const string WeightHeader = "X-Load-Balancing-Endpoint-Weight";

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private readonly IServiceProvider _services;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly GatheredListener _gathered = new();
    private readonly Lazy<KestrelServer> _server;
    private readonly SocketConnectionContextFactory _connections;

    public HealthCheckHost(IServiceProvider services, TimeProvider time)
    {
        _services = services;
        _time = time;
        var loggers = services.GetRequiredService<ILoggerFactory>();
        _logger = loggers.CreateLogger<HealthCheckHost>();
        _connections = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions { IOQueueCount = 1 }, _logger);
        _server = new Lazy<KestrelServer>(() => Start(loggers));
    }

    /// <inheritdoc/>
    public IDisposable Listen(IPEndPoint address, Func<ServiceHealthReport?> ask)
    {
        _ = _server.Value;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                // The families are served apart: each has its own count of endpoints.
                socket.DualMode = false;
            }

            socket.Bind(address);
            socket.Listen();
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        _ = AcceptAsync(socket, new Question(ask));
        return socket;
    }

    public void Dispose()
    {
        if (_server.IsValueCreated)
        {
            _server.Value.Dispose();
        }

        _connections.Dispose();
    }

    private static Task HandleAsync(HttpContext context)
    {
        if (context.Features.Get<Question>()?.Ask() is not { } report)
        {
            // A connection that was kept open since the Service had the port: as refused as a new one.
            context.Abort();
            return Task.CompletedTask;
        }

        context.Response.Headers[WeightHeader] = $"{report.LocalEndpoints}";
        return Answer.BytesAsync(context.Response, report.StatusCode, "application/json", report.ToJson());
    }

    private KestrelServer Start(ILoggerFactory loggers)
    {
        var options = new KestrelServerOptions { ApplicationServices = _services, AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = HttpServer.DefaultMostConnections;
        options.Listen(_gathered.EndPoint, listen => listen.Protocols = HttpProtocols.Http1);
        var server = new KestrelServer(MsOptions.Create(options), _gathered, loggers);
        server.StartAsync(new RequestApplication(HandleAsync), CancellationToken.None).GetAwaiter().GetResult();
        return server;
    }

    private async Task AcceptAsync(Socket socket, Question question)
    {
        while (true)
        {
            try
            {
                var client = await socket.AcceptAsync();
                client.NoDelay = true;
                var connection = _connections.Create(client);
                connection.Features.Set(question);
                if (!_gathered.TryAdd(connection))
                {
                    await connection.DisposeAsync();
                }
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of descriptors, say: those that are open end, and the next may be had.
                Log.CannotAccept(_logger, socket.LocalEndPoint, e);
                await Task.Delay(_pause, _time);
            }
        }
    }

    /// <summary>What a connection is asked, by the socket that it came from.</summary>
    private sealed record Question(Func<ServiceHealthReport?> Ask);
}
