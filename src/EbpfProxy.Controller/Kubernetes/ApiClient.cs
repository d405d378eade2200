using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text;
using System.Threading.RateLimiting;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>Sends requests to whichever API server answers, at no more than the rate that was set. Thread-safe.</summary>
internal sealed class ApiClient : IDisposable
{
    private const int MaxErrorBody = 65536;

    private static readonly TimeSpan _answerTimeout = TimeSpan.FromSeconds(60);

    /// <summary>A token that has run out is fetched anew for the next request; what is refused for longer is refused for good.</summary>
    private static readonly TimeSpan _refusalTime = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan _shortestPeriod = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan _longestPeriod = TimeSpan.FromDays(1);

    private readonly Credentials _credentials;
    private readonly ApiServers _servers;
    private readonly ApiConnection _connection;
    private readonly RateLimiter? _limiter;
    private readonly RequestMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<Uri, long> _refusedSince = new();

    public ApiClient(
        Credentials credentials, ApiServers servers, ApiConnection connection, KubernetesOptions options, RequestMetrics metrics, TimeProvider time)
    {
        _credentials = credentials;
        _servers = servers;
        _connection = connection;
        _metrics = metrics;
        _time = time;
        _limiter = options.Qps > 0 ? MakeLimiter(options.Qps, options.Burst) : null;
    }

    /// <summary>
    /// Gets a path with a query. Returns with the head of a good answer; an error is an <see cref="ApiException"/>. A server
    /// that does not answer makes it turn to the next; when none does, that is an <see cref="HttpRequestException"/> or a
    /// <see cref="TimeoutException"/>.
    /// </summary>
    public Task<HttpResponseMessage> GetAsync(string pathAndQuery, CancellationToken token) =>
        RequestAsync(HttpMethod.Get, pathAndQuery, body: null, token);

    /// <summary>Creates an object, with the same faults as <see cref="GetAsync"/>.</summary>
    /// <param name="path">The path of its resource.</param>
    /// <param name="json">The object.</param>
    /// <param name="token">Ends it.</param>
    public async Task CreateAsync(string path, byte[] json, CancellationToken token)
    {
        using var response = await RequestAsync(HttpMethod.Post, path, json, token);
    }

    public void Dispose() => _limiter?.Dispose();

    private async Task<HttpResponseMessage> RequestAsync(HttpMethod method, string pathAndQuery, byte[]? body, CancellationToken token)
    {
        for (int left = _servers.Count; ; left--)
        {
            var server = _servers.Current;
            await TakeTurnAsync(method, server, token);
            try
            {
                var response = await SendAsync(server, method, pathAndQuery, body, token);
                _refusedSince.TryRemove(server, out _);
                return response;
            }
            catch (Exception error) when (error is HttpRequestException or TimeoutException)
            {
                _servers.Fail(server);
                if (left <= 1)
                {
                    throw;
                }
            }
            catch (ApiException error) when (error.Status >= HttpStatusCode.InternalServerError || (error.Status == HttpStatusCode.Unauthorized && IsRefusedForGood(server)))
            {
                _servers.Fail(server);
                throw;
            }
        }
    }

    /// <summary>Who is let in by one server may not be by another: credentials may be good for a gateway before the others only.</summary>
    private bool IsRefusedForGood(Uri server)
    {
        bool isLong = _time.GetElapsedTime(_refusedSince.GetOrAdd(server, _ => _time.GetTimestamp())) >= _refusalTime;
        return isLong && _refusedSince.TryRemove(server, out _);
    }

    private static TokenBucketRateLimiter MakeLimiter(double qps, int burst)
    {
        // The limiter's timer counts in whole milliseconds, and one of none stops after the first: a high rate comes by several at once.
        int together = (int)Math.Clamp(Math.Ceiling(qps * _shortestPeriod.TotalSeconds), 1, int.MaxValue);
        return new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
        {
            TokenLimit = Math.Max(1, burst),
            TokensPerPeriod = together,
            ReplenishmentPeriod = TimeSpan.FromSeconds(Math.Clamp(together / qps, _shortestPeriod.TotalSeconds, _longestPeriod.TotalSeconds)),
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
    }

    private async Task TakeTurnAsync(HttpMethod method, Uri server, CancellationToken token)
    {
        if (_limiter is not null)
        {
            long begin = _time.GetTimestamp();
            using var lease = await _limiter.AcquireAsync(1, token);
            _metrics.OnTurn(server, method, _time.GetElapsedTime(begin));
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Uri server, HttpMethod method, string pathAndQuery, byte[]? body, CancellationToken token)
    {
        var client = await _connection.GetAsync(token);
        using var request = new HttpRequestMessage(method, server.AbsoluteUri.TrimEnd('/') + pathAndQuery)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", "ebpf-proxy");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        request.Headers.Authorization = await AuthorizationAsync(token);

        // The name that the TLS stack asks for and checks is that of this header.
        request.Headers.Host = _credentials.ServerName;

        using var timeout = new CancellationTokenSource(_answerTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, token);
        HttpResponseMessage? response = null;
        long begin = _time.GetTimestamp();
        try
        {
            response = await client.SendAsync(request, both.Token);
        }
        catch (HttpRequestException error) when (error.InnerException is AuthenticationException && _connection.Refusal is { } refusal)
        {
            throw new HttpRequestException($"the certificate of {server} is refused: {refusal}");
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            throw new TimeoutException($"{server} did not answer in time");
        }
        finally
        {
            _metrics.OnRequest(server, method, response?.StatusCode, _time.GetElapsedTime(begin));
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            if (response.StatusCode == HttpStatusCode.Unauthorized)
            {
                _credentials.Exec?.Refuse();
            }

            throw await ErrorAsync(response, both.Token);
        }
    }

    private async Task<AuthenticationHeaderValue?> AuthorizationAsync(CancellationToken token)
    {
        if (_credentials.Token is { } source)
        {
            return new AuthenticationHeaderValue("Bearer", source.ReadText().Trim());
        }

        if (_credentials.Exec is { } exec && await exec.GetAsync(token) is { Token.Length: > 0 } secrets)
        {
            return new AuthenticationHeaderValue("Bearer", secrets.Token);
        }

        return _credentials.Login is { } login
            ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{login.Name}:{login.Password}")))
            : null;
    }

    private async Task<ApiException> ErrorAsync(HttpResponseMessage response, CancellationToken token)
    {
        var retryAfter = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - _time.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return new ApiException(response.StatusCode, await MessageAsync(response, token), retryAfter);
    }

    private static async Task<string> MessageAsync(HttpResponseMessage response, CancellationToken token)
    {
        string reason = response.ReasonPhrase ?? response.StatusCode.ToString();
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(token);
            using var buffer = new StreamBuffer(body, 4096, MaxErrorBody);
            await buffer.FillAsync(MaxErrorBody, token);
            return StatusError.Read(buffer.Unread) is { Message.Length: > 0 } status ? status.Message : reason;
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            return reason;
        }
    }
}
