using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Kernel;

namespace EbpfProxy.Datapath.Node;

/// <summary>
/// A socket of netlink(7) to a part of the kernel: the one that knows devices, addresses, routes and traffic control, or
/// netfilter. The BCL can wrap such a socket but not make one. It belongs to the network namespace of the thread that makes it.
/// </summary>
internal sealed class NetlinkSocket : IDisposable
{
    /// <summary>NETLINK_NETFILTER.</summary>
    public const int Netfilter = 12;

    private const int AfNetlink = 16;
    private const int SockRaw = 3;
    private const int SockCloseOnExec = 0x80000;
    private const int SolNetlink = 270;
    private const int GetStrictCheck = 12;
    private const ushort Request = 0x1;
    private const ushort DumpFlags = 0x300;
    private const int HeaderLength = 16;
    private const int LongestBody = 32;
    private const ushort ErrorMessage = 2;
    private const ushort DoneMessage = 3;
    private const ushort DumpInterrupted = 0x10;
    private const int Enoent = 2;

    /// <summary>The kernel puts no more than this into one part of a dump.</summary>
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
            throw new IOException($"open a netlink socket: {Libc.LastError}");
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
                Send(request, body);
                bool isWhole = Receive(buffer, answer, read, rows);
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

    /// <summary>Waits until something changed in the groups, and takes all that is queued. What changed has to be asked for.</summary>
    public async Task WaitForChangeAsync(CancellationToken token)
    {
        // The signs are cut to the length of a header, which is read no further.
        bool isFirst = true;
        do
        {
            try
            {
                _ = isFirst ? await _socket.ReceiveAsync(_sign, SocketFlags.None, token) : _socket.Receive(_sign);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.NoBufferSpaceAvailable)
            {
                // More changed than the socket could hold: the reader asks for everything anyway.
            }

            isFirst = false;
        }
        while (HasMore());
    }

    public void Dispose() => _socket.Dispose();

    // Not Socket.Available: netlink has no FIONREAD.
    private bool HasMore() => _socket.Poll(0, SelectMode.SelectRead);

    private void Send(ushort request, ReadOnlySpan<byte> body)
    {
        // struct nlmsghdr: length, type, flags, sequence, port.
        Span<byte> message = stackalloc byte[HeaderLength + LongestBody];
        message.Clear();
        int length = HeaderLength + body.Length;
        BitConverter.TryWriteBytes(message, length);
        BitConverter.TryWriteBytes(message[4..], request);
        BitConverter.TryWriteBytes(message[6..], (ushort)(Request | DumpFlags));
        body.CopyTo(message[HeaderLength..]);
        _socket.Send(message[..length]);
    }

    /// <summary>Returns whether what came is of one time.</summary>
    private bool Receive<T>(byte[] buffer, ushort answer, BodyReader<T> read, List<T> rows)
        where T : class
    {
        bool isWhole = true;
        while (true)
        {
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

/// <summary>The kernel refused a request.</summary>
internal sealed class NetlinkException(int errno)
    : IOException($"the kernel refuses a netlink request: {Marshal.GetPInvokeErrorMessage(errno)} ({errno})")
{
    public int Errno => errno;
}
