using System.Net;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name, by the rules of Go (golang.org/x/net/http/httpproxy), which whoever
/// sets them for Kubernetes goes by. .NET's own rules know no prefixes in NO_PROXY, and send to the proxy what is for loopback. As with Go, ALL_PROXY is nothing.
/// </summary>
internal sealed class EnvironmentProxy : IWebProxy
{
    private readonly Uri? _http;
    private readonly Uri? _https;
    private readonly string[] _exceptions;

    /// <param name="read">The value of a variable.</param>
    public EnvironmentProxy(Func<string, string?> read)
    {
        _http = Parse(Either("HTTP_PROXY"));
        _https = Parse(Either("HTTPS_PROXY"));
        _exceptions = Either("NO_PROXY").ToLowerInvariant().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

        string Either(string name) => read(name) is { Length: > 0 } text ? text : read(name.ToLowerInvariant()) ?? "";
    }

    /// <summary>Those that stand in the proxy's own address.</summary>
    public ICredentials? Credentials { get; set; } = new UserInfoCredentials();

    public Uri? GetProxy(Uri destination)
    {
        var proxy = destination.Scheme == Uri.UriSchemeHttps ? _https : _http;
        return proxy is null || IsException(destination.IdnHost.ToLowerInvariant(), destination.Port) ? null : proxy;
    }

    public bool IsBypassed(Uri host) => GetProxy(host) is null;

    private static Uri? Parse(string text)
    {
        // .NET has one word for both: names are always left to the proxy.
        string known = text.StartsWith("socks5h://", StringComparison.OrdinalIgnoreCase) ? $"socks5{text.AsSpan("socks5h".Length)}" : text;
        return Uri.TryCreate(known, UriKind.Absolute, out var proxy) && proxy.Host.Length > 0 ? proxy
            : Uri.TryCreate($"http://{known}", UriKind.Absolute, out proxy) && proxy.Host.Length > 0 ? proxy
            : null;
    }

    private bool IsException(string host, int port)
    {
        Address? address = Address.TryParse(host, out var parsed) ? parsed : null;
        return host == "localhost" || address is { IsLoopback: true } || Array.Exists(_exceptions, exception => Covers(exception, host, address, port));
    }

    private static bool Covers(string exception, string host, Address? address, int port)
    {
        if (exception == "*")
        {
            return true;
        }

        if (Prefix.TryParse(exception, out var prefix))
        {
            return address is { } inPrefix && prefix.Contains(inPrefix);
        }

        string name = exception;
        int colon = exception.LastIndexOf(':');
        if (colon >= 0 && (exception.IndexOf(':') == colon || exception[colon - 1] == ']'))
        {
            if (exception[(colon + 1)..] != $"{port}")
            {
                return false;
            }

            name = exception[..colon];
        }

        if (Address.TryParse(name.Trim('[', ']'), out var one))
        {
            return address == one;
        }

        // A name covers what is below it, and itself unless it begins with a dot.
        name = name.StartsWith("*.", StringComparison.Ordinal) ? name[1..] : name;
        return name.StartsWith('.')
            ? host.EndsWith(name, StringComparison.Ordinal)
            : name.Length > 0 && (host == name || host.EndsWith($".{name}", StringComparison.Ordinal));
    }
}
