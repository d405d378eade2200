using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Kernel;

namespace EbpfProxy.Datapath.Node;

/// <summary>
/// A socket of netlink(7) to a part of the kernel: the one that knows devices, addresses, routes and traffic control,
/// netfilter, IPsec. The BCL can wrap such a socket but not make one. It belongs to the network namespace of the thread that makes it.
/// </summary>
internal sealed partial class NetlinkSocket : IDisposable
{
    /// <summary>NETLINK_NETFILTER.</summary>
    public const int Netfilter = 12;

    /// <summary>NETLINK_XFRM.</summary>
    public const int Ipsec = 6;

    /// <summary>NETLINK_SOCK_DIAG.</summary>
    public const int SocketDiagnosis = 4;

    /// <summary>struct nlmsghdr: length, type, flags, sequence, port.</summary>
    public const int HeaderLength = 16;

    private const int AfNetlink = 16;
    private const int SockRaw = 3;
    private const int SockCloseOnExec = 0x80000;
    private const int SolSocket = 1;
    private const int SolNetlink = 270;
    private const int SoSendBufferForce = 32;
    private const int GetStrictCheck = 12;
    private const ushort Request = 0x1;
    private const ushort Acknowledge = 0x4;
    private const ushort DumpFlags = 0x300;
    private const int LongestBody = 256;
    private const ushort ErrorMessage = 2;
    private const ushort DoneMessage = 3;
    private const ushort DumpInterrupted = 0x10;
    private const int Enoent = 2;

    /// <summary>The kernel puts no more than this into one part of a dump, but for a message that is longer by itself.</summary>
    private const int DumpPartLength = 32 * 1024;
    private const int Attempts = 5;

    private readonly Socket _socket;
    private readonly byte[] _sign = new byte[HeaderLength];

    /// <param name="groups">The multicast groups to join (RTMGRP_*); 0 to ask only.</param>
    /// <param name="isStrict">Whether the kernel shall heed what the body of a request for a dump says.</param>
    /// <param name="protocol">The part of the kernel: NETLINK_ROUTE, or another.</param>
    /// <exception cref="IOException">The kernel has no netlink for us.</exception>
    public NetlinkSocket(uint groups = 0, bool isStrict = false, int protocol = 0)
    {
        int fd = Libc.Socket(AfNetlink, SockRaw | SockCloseOnExec, protocol);
        if (fd < 0)
        {
            throw new NetlinkException(Marshal.GetLastPInvokeError(), "open a netlink socket");
        }

        // struct sockaddr_nl: family, padding, port (the kernel chooses), groups.
        Span<byte> address = stackalloc byte[12];
        address.Clear();
        BitConverter.TryWriteBytes(address, (ushort)AfNetlink);
        BitConverter.TryWriteBytes(address[8..], groups);
        if (Libc.Bind(fd, address, address.Length) < 0)
        {
            string error = Libc.LastError;
            Libc.Close(fd);
            throw new IOException($"bind a netlink socket: {error}");
        }

        _socket = new Socket(new SafeSocketHandle(fd, ownsHandle: true));
        if (isStrict)
        {
            _socket.SetRawSocketOption(SolNetlink, GetStrictCheck, BitConverter.GetBytes(1));
        }
    }

    /// <summary>
    /// A socket to netfilter; null where the kernel has none: nfnetlink may be a module, which is loaded when something wants it
    /// first. What is asked by it is not there either.
    /// </summary>
    /// <param name="groups">The multicast groups to join, as bits.</param>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static NetlinkSocket? TryOpenNetfilter(uint groups = 0)
    {
        try
        {
            return new NetlinkSocket(groups, protocol: Netfilter);
        }
        catch (NetlinkException error) when (error.Errno == NetlinkException.ProtocolNotSupported)
        {
            return null;
        }
    }

    /// <summary>Makes a row of a message's body; null to leave it out.</summary>
    public delegate T? BodyReader<T>(ReadOnlySpan<byte> body)
        where T : class;

    /// <summary>
    /// Asks for all there are, and reads them; none where the kernel has no such thing. A dump that changed while it was
    /// taken is taken again, a few times: what changes then is told to whoever listens.
    /// </summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public List<T> Dump<T>(ushort request, ReadOnlySpan<byte> body, ushort answer, BodyReader<T> read)
        where T : class
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(DumpPartLength);
        try
        {
            var rows = new List<T>();
            for (int attempt = 1; ; attempt++)
            {
                Send(request, body, DumpFlags);
                bool isWhole = Receive(ref buffer, answer, read, rows);
                if (isWhole || attempt == Attempts)
                {
                    return rows;
                }

                rows.Clear();
            }
        }
        catch (SocketException error)
        {
            throw new IOException($"ask by netlink: {error.Message}", error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Asks for one thing; null where there is none.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public T? Ask<T>(ushort request, ReadOnlySpan<byte> body, ushort answer, BodyReader<T> read)
        where T : class
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(DumpPartLength);
        try
        {
            // With an acknowledgement the answer has an end, as a dump has.
            var rows = new List<T>();
            Send(request, body, Acknowledge);
            Receive(ref buffer, answer, read, rows);
            return rows.FirstOrDefault();
        }
        catch (SocketException error)
        {
            throw new IOException($"ask by netlink: {error.Message}", error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Asks for something to be done. Returns 0, or the error's number.</summary>
    /// <exception cref="IOException">The kernel does not answer.</exception>
    public int Do(ushort request, ReadOnlySpan<byte> body)
    {
        try
        {
            Send(request, body, Acknowledge);
            Span<byte> answer = stackalloc byte[2 * (HeaderLength + LongestBody)];
            int length = _socket.Receive(answer);
            return length >= HeaderLength + sizeof(int) && MemoryMarshal.Read<ushort>(answer[4..]) == ErrorMessage
                ? -MemoryMarshal.Read<int>(answer[HeaderLength..])
                : throw new IOException("the kernel's netlink answer is none");
        }
        catch (SocketException error)
        {
            throw new IOException($"ask by netlink: {error.Message}", error);
        }
    }

    /// <summary>
    /// Asks for things to be done as one. The last but one is the one that is acknowledged: the last only says that it is the last.
    /// Returns 0, or the first error's number.
    /// </summary>
    /// <exception cref="IOException">The kernel does not answer.</exception>
    public int DoAll(IReadOnlyList<NetlinkRequest> requests)
    {
        using var batch = new MemoryStream();
        for (int number = 0; number < requests.Count; number++)
        {
            byte[] message = new byte[NetlinkAttributes.Align(HeaderLength + requests[number].Body.Length)];
            BitConverter.TryWriteBytes(message, HeaderLength + requests[number].Body.Length);
            BitConverter.TryWriteBytes(message.AsSpan(4), requests[number].Type);
            BitConverter.TryWriteBytes(message.AsSpan(6), (ushort)(number == requests.Count - 2 ? Request | Acknowledge : Request));
            BitConverter.TryWriteBytes(message.AsSpan(8), number);
            requests[number].Body.CopyTo(message.AsSpan(HeaderLength));
            batch.Write(message);
        }

        try
        {
            // As one message, whatever the limit for others: it takes CAP_NET_ADMIN, as what is asked for does.
            _socket.SetRawSocketOption(SolSocket, SoSendBufferForce, BitConverter.GetBytes((int)(2 * batch.Length) + DumpPartLength));
            _socket.Send(batch.ToArray());
            return ReceiveAnswers(requests.Count - 2);
        }
        catch (SocketException error)
        {
            throw new IOException($"ask by netlink: {error.Message}", error);
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Errors come in the order of the requests, so that the last answer is that to <paramref name="last"/>, or to the whole.</summary>
    private int ReceiveAnswers(int last)
    {
        byte[] buffer = new byte[DumpPartLength];
        int first = 0;
        while (true)
        {
            ReadOnlySpan<byte> packet = buffer.AsSpan(0, _socket.Receive(buffer));
            while (packet.Length >= HeaderLength + sizeof(int))
            {
                int length = MemoryMarshal.Read<int>(packet);
                int error = -MemoryMarshal.Read<int>(packet[HeaderLength..]);
                first = first == 0 ? error : first;
                int number = MemoryMarshal.Read<int>(packet[8..]);
                if (number == last || (number == 0 && error != 0))
                {
                    return first;
                }

                packet = packet[Math.Min(NetlinkAttributes.Align(Math.Max(length, HeaderLength)), packet.Length)..];
            }
        }
    }

    private void Send(ushort request, ReadOnlySpan<byte> body, ushort flags)
    {
        Span<byte> message = stackalloc byte[HeaderLength + LongestBody];
        message.Clear();
        int length = HeaderLength + body.Length;
        BitConverter.TryWriteBytes(message, length);
        BitConverter.TryWriteBytes(message[4..], request);
        BitConverter.TryWriteBytes(message[6..], (ushort)(Request | flags));
        body.CopyTo(message[HeaderLength..]);
        _socket.Send(message[..length]);
    }

    /// <summary>Returns whether what came is of one time.</summary>
    private bool Receive<T>(ref byte[] buffer, ushort answer, BodyReader<T> read, List<T> rows)
        where T : class
    {
        bool isWhole = true;
        while (true)
        {
            // What has no room would be lost.
            int next = _socket.Receive(_sign, SocketFlags.Peek | SocketFlags.Truncated);
            if (next > buffer.Length)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = ArrayPool<byte>.Shared.Rent(next);
            }

            ReadOnlySpan<byte> packet = buffer.AsSpan(0, _socket.Receive(buffer));
            while (packet.Length >= HeaderLength)
            {
                int length = MemoryMarshal.Read<int>(packet);
                if (length < HeaderLength || length > packet.Length)
                {
                    throw new IOException("the kernel's netlink answer is cut short");
                }

                ushort type = MemoryMarshal.Read<ushort>(packet[4..]);
                isWhole &= (MemoryMarshal.Read<ushort>(packet[6..]) & DumpInterrupted) == 0;
                var body = packet[HeaderLength..length];
                if (type is DoneMessage or ErrorMessage)
                {
                    ThrowUnlessMissing(body);
                    return isWhole;
                }

                if (type == answer && read(body) is { } row)
                {
                    rows.Add(row);
                }

                packet = packet[Math.Min(NetlinkAttributes.Align(length), packet.Length)..];
            }
        }
    }

    private static void ThrowUnlessMissing(ReadOnlySpan<byte> body)
    {
        int error = body.Length >= 4 ? -MemoryMarshal.Read<int>(body) : 0;
        if (error is not (0 or Enoent))
        {
            throw new NetlinkException(error);
        }
    }
}

/// <summary>A request among others: its type, and what follows the header.</summary>
internal sealed record NetlinkRequest(ushort Type, byte[] Body);
