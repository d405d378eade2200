using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.Kernel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using MsOptions = Microsoft.Extensions.Options.Options;

namespace EbpfProxy.Http;

/// <summary>
/// Serves one address. One that cannot be had is tried again until it can: traffic does not depend on it. Each reason is told
/// once, as a kube-proxy may hold the address for as long as it runs.
/// </summary>
/// <param name="name">What is served.</param>
/// <param name="address">Where.</param>
/// <param name="handle">Answers.</param>
/// <param name="giveUp">Where the address must be had: tells why it cannot, before the server fails. Null to try again.</param>
/// <param name="services">For the server.</param>
/// <param name="time">The clock.</param>
internal sealed class HttpServer(
    string name, IPEndPoint address, RequestDelegate handle, Func<string, Task>? giveUp, IServiceProvider services, TimeProvider time)
    : BackgroundService
{
    private static readonly TimeSpan _lastWords = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(5);

    private readonly ILoggerFactory _loggers = services.GetRequiredService<ILoggerFactory>();
    private readonly ILogger _logger = services.GetRequiredService<ILogger<HttpServer>>();
    private volatile string? _error;

    public IPEndPoint Address => address;

    /// <summary>How many connections are served at once; one more is closed.</summary>
    public int MostConnections { get; init; } = DefaultMostConnections;

    /// <summary>
    /// A quarter of the files that this process may open, and not so many that their memory counts: whoever reaches the address may
    /// open connections, and without a file left no table can be written.
    /// </summary>
    public static int DefaultMostConnections { get; } = (int)Math.Clamp(OpenFileLimit.Raise() / 4, 64, 10_000);

    /// <summary>Why the address cannot be had; null where it is served, or not tried yet. May be read from any thread.</summary>
    public string? Error => _error;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            using var server = new KestrelServer(MsOptions.Create(ServerOptions()), Transport(), _loggers);
            try
            {
                await server.StartAsync(new RequestApplication(handle), stoppingToken);
                _error = null;
                Log.Serving(_logger, name, address);
                await Task.Delay(Timeout.InfiniteTimeSpan, time, stoppingToken);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                if (giveUp is not null)
                {
                    await Task.WhenAny(giveUp($"serve {name} on {address}: {e.Message}"), Task.Delay(_lastWords, time, stoppingToken));
                    throw;
                }

                if (e.Message == _error)
                {
                    Log.StillCannotServe(_logger, name, address, e.Message);
                }
                else
                {
                    Log.CannotServe(_logger, name, address, _retry.TotalSeconds, e);
                }

                _error = e.Message;
            }
            finally
            {
                await server.StopAsync(new CancellationToken(canceled: true));
            }

            await Task.Delay(_retry, time, stoppingToken);
        }
    }

    private KestrelServerOptions ServerOptions()
    {
        var options = new KestrelServerOptions { ApplicationServices = services, AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = MostConnections;

        // As with kube-proxy, 0.0.0.0 answers IPv6 too.
        if (address.Address.Equals(IPAddress.Any) || address.Address.Equals(IPAddress.IPv6Any))
        {
            options.ListenAnyIP(address.Port);
        }
        else
        {
            options.Listen(address);
        }

        return options;
    }

    private SocketTransportFactory Transport() => new(MsOptions.Create(new SocketTransportOptions { IOQueueCount = 1 }), _loggers);
}
