using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace EbpfProxy.Bench.Control;

/// <summary>
/// As much of an API server as a list and a watch are, made of answers that were written before: what it costs itself is
/// sending bytes.
/// </summary>
internal sealed class ApiServer : IDisposable
{
    private const string SlicePath = "/apis/discovery.k8s.io/v1/endpointslices";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Dictionary<string, byte[]> _lists;
    private readonly Dictionary<string, byte[]>? _streams;
    private volatile Socket? _sliceWatch;

    public ApiServer(Cluster cluster, bool streamsLists)
    {
        _lists = new()
        {
            ["/api/v1/services"] = cluster.ServiceList(),
            [SlicePath] = cluster.SliceList(),
            ["/api/v1/nodes"] = Cluster.EmptyList("v1", "NodeList"),
            ["/apis/networking.k8s.io/v1/servicecidrs"] = Cluster.EmptyList("networking.k8s.io/v1", "ServiceCIDRList"),
        };
        _streams = streamsLists ? _lists.ToDictionary(list => list.Key, list => Stream(list.Value)) : null;
        _listener.Start();
        Start(Accept);
    }

    public string Address => $"http://{_listener.LocalEndpoint}";

    public bool IsWatched => _sliceWatch is not null;

    public static byte[] Event(string slice) => Chunk($$"""{"type":"MODIFIED","object":{{slice}}}""" + "\n");

    /// <summary>Sends what <see cref="Event"/> made to who watches EndpointSlices.</summary>
    public void Send(byte[] sliceEvent) => SendAll(_sliceWatch!, sliceEvent);

    public void Dispose() => _listener.Dispose();

    /// <summary>A list as the events that it is streamed as, in pieces of about the size that a server sends.</summary>
    private static byte[] Stream(byte[] list)
    {
        using var document = JsonDocument.Parse(list);
        using var stream = new MemoryStream();
        var piece = new StringBuilder();
        foreach (var item in document.RootElement.GetProperty("items").EnumerateArray())
        {
            piece.Append(CultureInfo.InvariantCulture, $$"""{"type":"ADDED","object":{{item.GetRawText()}}}""").Append('\n');
            if (piece.Length > 4096)
            {
                stream.Write(Chunk(piece.ToString()));
                piece.Clear();
            }
        }

        piece.Append("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}""");
        stream.Write(Chunk(piece.Append('\n').ToString()));
        return stream.ToArray();
    }

    private static byte[] Chunk(string text) =>
        Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetByteCount(text).ToString("x", CultureInfo.InvariantCulture)}\r\n{text}\r\n");

    private static void Start(Action action) => new Thread(() => action()) { IsBackground = true }.Start();

    private static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                socket.NoDelay = true;
                Start(() => Serve(socket));
            }
        }
        catch (SocketException)
        {
            // Disposed.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: false);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            while (reader.ReadLine() is { } request)
            {
                SkipRest(reader);
                Answer(socket, request.Split(' ')[1].Split('?'));
            }
        }
        catch (IOException)
        {
            // The daemon was ended.
        }
        catch (SocketException)
        {
        }
    }

    /// <summary>Passes over the headers and the body: an event comes with one.</summary>
    private static void SkipRest(StreamReader reader)
    {
        const string length = "Content-Length:";
        int body = 0;
        while (reader.ReadLine() is { Length: > 0 } header)
        {
            body = header.StartsWith(length, StringComparison.OrdinalIgnoreCase)
                ? int.Parse(header.AsSpan(length.Length), CultureInfo.InvariantCulture)
                : body;
        }

        for (int i = 0; i < body && reader.Read() >= 0; i++)
        {
        }
    }

    private void Answer(Socket socket, string[] request)
    {
        if (!_lists.TryGetValue(request[0], out byte[]? list))
        {
            SendAll(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"u8);
        }
        else if (request.Length > 1 && request[1].Contains("watch=true", StringComparison.Ordinal))
        {
            Watch(socket, request[0], request[1].Contains("sendInitialEvents=true", StringComparison.Ordinal));
        }
        else
        {
            string head = string.Create(
                CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {list.Length}\r\n\r\n");
            SendAll(socket, Encoding.ASCII.GetBytes(head));
            SendAll(socket, list);
        }
    }

    private void Watch(Socket socket, string path, bool isList)
    {
        if (isList && _streams is null)
        {
            SendAll(socket, "HTTP/1.1 422 Unprocessable Entity\r\nContent-Length: 0\r\n\r\n"u8);
            return;
        }

        SendAll(socket, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"u8);
        if (isList)
        {
            SendAll(socket, _streams![path]);
        }

        _sliceWatch = path == SlicePath ? socket : _sliceWatch;
    }
}
