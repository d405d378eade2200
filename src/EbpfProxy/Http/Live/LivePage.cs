using System.Net;
using System.Text;
using System.Text.Json;

namespace EbpfProxy.Http.Live;

/// <summary>
/// The status page: three files that this assembly carries, and what they show. It uses nothing from elsewhere and runs no
/// script but its own. On a loopback address only, unless it is opened: names of services stand on it. Nor under a name
/// there, which a site that a browser visits may have given the address.
/// </summary>
/// <param name="read">Reads what it shows, by a filter.</param>
/// <param name="isOpen">Whether other addresses have it too.</param>
internal sealed class LivePage(Func<string, LiveData> read, bool isOpen)
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>All paths.</summary>
    public static IReadOnlyList<string> Paths { get; } = ["/", "/page.css", "/page.js", "/page.json"];

    public Task HandleAsync(HttpContext context)
    {
        if (!isOpen && !(IsLoopback(context.Connection.LocalIpAddress) && IsAddress(context.Request.Host)))
        {
            return Answer.BytesAsync(
                context.Response,
                StatusCodes.Status403Forbidden,
                "text/plain; charset=utf-8",
                "the status page is shown on loopback addresses only, and not under a name, unless statusPage is set\n"u8.ToArray());
        }

        context.Response.Headers.ContentSecurityPolicy = Policy;
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.Headers.CacheControl = "no-store";
        return context.Request.Path.Value switch
        {
            "/page.css" => FileAsync(context, "page.css", "text/css; charset=utf-8"),
            "/page.js" => FileAsync(context, "page.js", "text/javascript; charset=utf-8"),
            "/page.json" => DataAsync(context),
            _ => FileAsync(context, "page.html", "text/html; charset=utf-8"),
        };
    }

    private static bool IsLoopback(IPAddress? address) =>
        address is not null && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static bool IsAddress(HostString host) =>
        !host.HasValue || host.Host == "localhost" || IPAddress.TryParse(host.Host, out _);

    private static Task FileAsync(HttpContext context, string name, string type)
    {
        using var stream = typeof(LivePage).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the build left out {name}");
        byte[] body = new byte[stream.Length];
        stream.ReadExactly(body);
        return Answer.BytesAsync(context.Response, StatusCodes.Status200OK, type, body);
    }

    private Task DataAsync(HttpContext context)
    {
        try
        {
            var data = read(context.Request.Query["filter"].ToString());
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(data, LiveJsonContext.Default.LiveData);
            return Answer.BytesAsync(context.Response, StatusCodes.Status200OK, "application/json", body);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return Answer.BytesAsync(
                context.Response, StatusCodes.Status503ServiceUnavailable, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(e.Message));
        }
    }
}
