using System.Net;
using System.Text.Json;
using EbpfProxy.Controller.Objects;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>Asks for a full list of a resource, page by page, and hands it on object by object.</summary>
internal sealed class ListRequest(Resource resource, ApiClient client, IObjectFaults faults, TimeProvider time)
{
    public const int MaxObject = 8 << 20;

    private const int BufferSize = 128 << 10;
    private const int PageSize = 500;

    private static readonly TimeSpan _pageTimeout = TimeSpan.FromMinutes(2);

    private int _count;

    /// <summary>
    /// The list at least as new as a version ("0": any; "": the newest, which costs the server most, so in pages).
    /// What is gone is removed once the last page is in.
    /// </summary>
    public async Task<(int Count, string Version)> RunAsync(string version, CancellationToken token)
    {
        _count = 0;
        string query = version.Length > 0 ? $"?resourceVersion={Uri.EscapeDataString(version)}" : $"?limit={PageSize}";
        resource.BeginList();
        try
        {
            while (true)
            {
                var page = await ReadPageAsync(query, token);
                if (page.Continue.Length == 0)
                {
                    resource.CompleteList();
                    return (_count, page.ResourceVersion);
                }

                query = $"?limit={PageSize}&continue={Uri.EscapeDataString(page.Continue)}";
            }
        }
        finally
        {
            resource.AbandonList();
        }
    }

    private async Task<ListStream> ReadPageAsync(string query, CancellationToken token)
    {
        using var limit = new CancellationTokenSource(_pageTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(token, limit.Token);
        var page = new ListStream(Add, () => Report($"an object of more than {MaxObject} bytes is skipped"), MaxObject);
        try
        {
            using var response = await client.GetAsync($"{resource.Path}{query}{resource.Selector}", either.Token);
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            using var buffer = new StreamBuffer(body, BufferSize, MaxObject);
            await page.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !token.IsCancellationRequested)
        {
            throw new TimeoutException("the list took too long");
        }

        if (page.ResourceVersion.Length == 0)
        {
            throw new ApiException(HttpStatusCode.BadGateway, "the answer is a list without a resourceVersion");
        }

        return page;
    }

    private void Add(ReadOnlySpan<byte> json)
    {
        _count++;
        try
        {
            resource.AddListed(json);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            Report($"an object cannot be read: {error.Message}");
        }
    }

    private void Report(string message) => faults.Report(resource.Kind, default, "", message);
}
