using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Node;

/// <summary>A network device of this network namespace.</summary>
internal readonly record struct Device(int Index, string Name);

/// <summary>An address of a device.</summary>
internal readonly record struct DeviceAddress(int DeviceIndex, Address Address);

/// <summary>
/// The little of rtnetlink(7) that the proxy needs: devices, addresses, and a sign when they change. The BCL can wrap a
/// netlink socket but not make one.
/// </summary>
internal sealed class RouteNetlink : IDisposable
{
    private const int AfNetlink = 16;
    private const int SockRaw = 3;
    private const int SockCloseOnExec = 0x80000;
    private const int HeaderLength = 16;
    private const ushort Done = 3;
    private const ushort Error = 2;
    private const ushort NewLink = 16;
    private const ushort GetLink = 18;
    private const ushort NewAddress = 20;
    private const ushort GetAddress = 22;
    private const ushort RequestDump = 0x301;
    private const ushort IflaName = 3;
    private const ushort IfaAddress = 1;
    private const ushort IfaLocal = 2;

    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[256 * 1024];

    /// <param name="groups">The multicast groups to join (RTMGRP_*); 0 to ask only.</param>
    /// <exception cref="IOException">The kernel has no netlink for us.</exception>
    public RouteNetlink(uint groups)
    {
        int fd = Libc.Socket(AfNetlink, SockRaw | SockCloseOnExec, 0);
        if (fd < 0)
        {
            throw new IOException($"open a netlink socket: {Libc.LastError}");
        }

        // struct sockaddr_nl: family, padding, port (the kernel chooses), groups.
        Span<byte> address = stackalloc byte[12];
        BitConverter.TryWriteBytes(address, (ushort)AfNetlink);
        BitConverter.TryWriteBytes(address[8..], groups);
        if (Libc.Bind(fd, address, address.Length) < 0)
        {
            string error = Libc.LastError;
            Libc.Close(fd);
            throw new IOException($"bind a netlink socket: {error}");
        }

        _socket = new Socket(new SafeSocketHandle(fd, ownsHandle: true));
    }

    public IReadOnlyList<Device> ReadDevices()
    {
        var devices = new List<Device>();
        Dump(GetLink, NewLink, body => devices.Add(new Device(
            MemoryMarshal.Read<int>(body[4..]),
            ReadText(FindAttribute(body[16..], IflaName)))));
        return devices;
    }

    public IReadOnlyList<DeviceAddress> ReadAddresses()
    {
        var addresses = new List<DeviceAddress>();
        Dump(GetAddress, NewAddress, body =>
        {
            // On a point-to-point device IFA_ADDRESS is the other end.
            var bytes = FindAttribute(body[8..], IfaLocal);
            bytes = bytes.IsEmpty ? FindAttribute(body[8..], IfaAddress) : bytes;
            if (bytes.Length is 4 or 16)
            {
                addresses.Add(new DeviceAddress(MemoryMarshal.Read<int>(body[4..]), ToAddress(bytes)));
            }
        });
        return addresses;
    }

    /// <summary>Waits until something changed in the groups, and takes all that is queued.</summary>
    public async Task WaitForChangeAsync(CancellationToken token)
    {
        try
        {
            await _socket.ReceiveAsync(_buffer, SocketFlags.None, token);
            // Not Socket.Available: netlink has no FIONREAD.
            while (_socket.Poll(0, SelectMode.SelectRead))
            {
                _socket.Receive(_buffer);
            }
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.NoBufferSpaceAvailable)
        {
            // More changed than the socket could hold: the reader asks for everything anyway.
        }
    }

    public void Dispose() => _socket.Dispose();

    private static Address ToAddress(ReadOnlySpan<byte> bytes) => bytes.Length == 4
        ? Address.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes))
        : new Address(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    private static string ReadText(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes.TrimEnd((byte)0));

    private static ReadOnlySpan<byte> FindAttribute(ReadOnlySpan<byte> attributes, ushort type)
    {
        while (attributes.Length >= 4)
        {
            int length = MemoryMarshal.Read<ushort>(attributes);
            if (length < 4 || length > attributes.Length)
            {
                break;
            }

            if (MemoryMarshal.Read<ushort>(attributes[2..]) == type)
            {
                return attributes[4..length];
            }

            attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        }

        return [];
    }

    private static int Align(int length) => (length + 3) & ~3;

    private delegate void BodyReader(ReadOnlySpan<byte> body);

    private void Dump(ushort request, ushort answer, BodyReader read)
    {
        // struct nlmsghdr, then a family of 0 (all) in a struct rtgenmsg, padded.
        Span<byte> message = stackalloc byte[HeaderLength + 16];
        message.Clear();
        BitConverter.TryWriteBytes(message, message.Length);
        BitConverter.TryWriteBytes(message[4..], request);
        BitConverter.TryWriteBytes(message[6..], RequestDump);
        _socket.Send(message);
        while (true)
        {
            ReadOnlySpan<byte> packet = _buffer.AsSpan(0, _socket.Receive(_buffer));
            while (packet.Length >= HeaderLength)
            {
                int length = MemoryMarshal.Read<int>(packet);
                ushort type = MemoryMarshal.Read<ushort>(packet[4..]);
                if (length < HeaderLength || length > packet.Length)
                {
                    throw new IOException("the kernel's netlink answer is cut short");
                }

                if (type == Done)
                {
                    return;
                }

                if (type == Error)
                {
                    throw new IOException($"the kernel refuses a netlink dump: error {-MemoryMarshal.Read<int>(packet[HeaderLength..])}");
                }

                if (type == answer)
                {
                    read(packet[HeaderLength..length]);
                }

                packet = packet[Math.Min(Align(length), packet.Length)..];
            }
        }
    }
}
