using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using EbpfProxy.Testing.Kernel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>
/// An API server for tests: real HTTP, real lists and watches of the resources that the proxy follows, as one version of
/// Kubernetes answers them, with faults where a test wants them.
/// </summary>
public sealed class KubernetesApiServer : IApiServer
{
    private readonly ApiServerOptions _options;
    private readonly ConcurrentQueue<ApiRequest> _requests = new();
    private readonly ConcurrentQueue<JsonObject> _events = new();
    private readonly X509Certificate2? _certificate;
    private WebApplication? _app;
    private CancellationTokenSource _watches = new();
    private int _requestCount;
    private long _bytes;
    private int _bookmarks;
    private int _port;
    private volatile bool _isStopping;

    private KubernetesApiServer(ApiServerOptions options)
    {
        _options = options;
        _port = options.Port;
        _certificate = options.Authority?.IssueServer(
            options.CertificateNames.Count > 0 ? options.CertificateNames : [options.Address.ToString()]);
    }

    public Uri Address => new UriBuilder(_certificate is null ? "http" : "https", Host, _port).Uri;

    public Version Version => Version.Parse($"{_options.Version}"[1..].Replace('_', '.'));

    public IReadOnlyCollection<ApiRequest> Requests => _requests;

    /// <summary>The events that were created, in order.</summary>
    public IReadOnlyCollection<JsonObject> Events => _events;

    /// <summary>Bytes of answers' bodies so far.</summary>
    public long BytesSent => Interlocked.Read(ref _bytes);

    /// <summary>Decides whether, and how, the answer to a request goes wrong.</summary>
    public Func<ApiRequest, ApiFault?>? Fault { get; set; }

    /// <summary>The token that is wanted now.</summary>
    public string? Token { get; set; }

    /// <summary>Whether lists come in the opposite order.</summary>
    public bool ReversesLists { get; set; }

    internal ObjectStore Store { get; } = new();

    internal ApiServerOptions Options => _options;

    internal int Bookmarks => Volatile.Read(ref _bookmarks);

    internal CancellationToken WatchesEnd => _watches.Token;

    private string Host => _options.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
        ? $"[{_options.Address}]"
        : _options.Address.ToString();

    public static async Task<KubernetesApiServer> StartAsync(ApiServerOptions? options = null)
    {
        var server = Make(options ?? new());
        await server.StartAsync();
        return server;
    }

    /// <summary>One that listens once it is started.</summary>
    public static KubernetesApiServer Make(ApiServerOptions options) => new(options) { Token = options.Token };

    /// <summary>Creates or replaces an object. Single quotes may stand for double ones.</summary>
    public void Apply(string json) => Store.Apply(JsonNode.Parse(json.Contains('"') ? json : json.Replace('\'', '"'))!.AsObject());

    public void Delete(string kind, string space, string name) => Store.Delete(kind, $"{space}/{name}");

    string IApiServer.WriteKubeconfig(string folder) => new Kubeconfig { Server = Address }.Write(Path.Combine(folder, "kubeconfig"));

    Task IApiServer.ApplyAsync(string json)
    {
        Apply(json);
        return Task.CompletedTask;
    }

    Task IApiServer.DeleteAsync(string kind, string space, string name)
    {
        Delete(kind, space, name);
        return Task.CompletedTask;
    }

    /// <summary>Forgets the past: watches from before now get 410.</summary>
    public void Compact() => Store.Compact();

    /// <summary>Sends every watch a bookmark.</summary>
    public void SendBookmarks()
    {
        Interlocked.Increment(ref _bookmarks);
        Store.Signal();
    }

    /// <summary>Ends every watch, as a server does when a watch's time is over.</summary>
    public void EndWatches() => Interlocked.Exchange(ref _watches, new CancellationTokenSource()).Cancel();

    /// <summary>Stops listening and cuts every connection; the objects stay.</summary>
    public async Task StopAsync()
    {
        if (_app is not null)
        {
            // Nobody whose watch ends here may begin another before the port is closed.
            _isStopping = true;
            EndWatches();
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await _app.StopAsync(now.Token);
            await _app.DisposeAsync();
            _app = null;
        }
    }

    /// <summary>Starts again, at the same address.</summary>
    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(_options.Address, _port, Configure));
        if (_options.Namespace is { } network)
        {
            builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = endpoint => BindIn(network, endpoint));
        }

        _isStopping = false;
        var app = builder.Build();
        app.Run(HandleAsync);
        await app.StartAsync();
        _port = new Uri(app.Urls.First()).Port;
        _app = app;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _certificate?.Dispose();
        _watches.Dispose();
    }

    private static Socket BindIn(ScratchNetworkNamespace network, EndPoint endpoint)
    {
        Socket? socket = null;
        network.Invoke(() => socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint));
        return socket!;
    }

    private void Configure(ListenOptions listen)
    {
        if (_certificate is null)
        {
            return;
        }

        listen.UseHttps(new HttpsConnectionAdapterOptions
        {
            ServerCertificate = _certificate,
            ServerCertificateChain = [.. _options.SentAuthorities.Select(authority => authority.Certificate)],
            ClientCertificateMode = ClientCertificateMode.AllowCertificate,
            ClientCertificateValidation = (certificate, _, _) => _options.Authority!.HasIssued(certificate),
        });
    }

    private async Task HandleAsync(HttpContext context)
    {
        if (_isStopping)
        {
            context.Abort();
            return;
        }

        string path = context.Request.Path.Value ?? "";
        var type = ResourceType.All.FirstOrDefault(type => type.Path == path);
        var request = new ApiRequest(
            Interlocked.Increment(ref _requestCount), path, context.Request.QueryString.Value ?? "", type?.Name ?? "");
        _requests.Enqueue(request);
        try
        {
            await HandleAsync(context, request, type);
        }
        catch (OperationCanceledException)
        {
            // The client is gone, or is meant to think so.
        }
    }

    private async Task HandleAsync(HttpContext context, ApiRequest request, ResourceType? type)
    {
        ApiFault.Cut? cut = null;
        switch (Fault?.Invoke(request))
        {
            case ApiFault.Status status:
                await WriteStatusAsync(context, status);
                return;
            case ApiFault.Reset:
                context.Abort();
                return;
            case ApiFault.Body body:
                await context.Response.WriteAsync(body.Text, context.RequestAborted);
                return;
            case ApiFault.Wait wait:
                await wait.Until.WaitAsync(context.RequestAborted);
                break;
            case ApiFault.Cut wanted:
                cut = wanted;
                break;
        }

        if (!IsAuthorized(context))
        {
            await WriteStatusAsync(context, new(401, "Unauthorized", "Unauthorized"));
        }
        else if (EventAnswer.SpaceOf(context.Request) is { } space)
        {
            await EventAnswer.WriteAsync(context, space, _options.Version, _events);
        }
        else if (type is null || type.Since > _options.Version)
        {
            context.Response.StatusCode = 404;
            await context.Response.WriteAsync("404 page not found\n", context.RequestAborted);
        }
        else
        {
            var body = new CountedBody(context, cut, count => Interlocked.Add(ref _bytes, count));
            await new ResourceAnswer(this, type, request, context, body).WriteAsync();
        }
    }

    private bool IsAuthorized(HttpContext context)
    {
        if (Token is null && !_options.WantsCertificate)
        {
            return true;
        }

        return context.Connection.ClientCertificate is not null
            || (Token is not null && context.Request.Headers.Authorization == $"Bearer {Token}");
    }

    internal static async Task WriteStatusAsync(HttpContext context, ApiFault.Status status)
    {
        context.Response.StatusCode = status.Code;
        context.Response.ContentType = "application/json";
        if (status.RetryAfter is { } retryAfter)
        {
            context.Response.Headers.RetryAfter = retryAfter;
        }

        await context.Response.WriteAsync(StatusJson(status.Code, status.Reason, status.Message), context.RequestAborted);
    }

    internal static string StatusJson(int code, string reason, string message) => new JsonObject
    {
        ["kind"] = "Status",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject(),
        ["status"] = "Failure",
        ["message"] = message,
        ["reason"] = reason,
        ["code"] = code,
    }.ToJsonString();
}
