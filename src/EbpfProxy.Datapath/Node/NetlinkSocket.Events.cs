using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Node;

/// <content>What is told of the groups that a socket has joined.</content>
internal sealed partial class NetlinkSocket
{
    private const int AttachFilter = 26; // SO_ATTACH_FILTER
    private const int ForceQueueLength = 33; // SO_RCVBUFFORCE

    /// <summary>Hears of an event: the type and the body of its message.</summary>
    public delegate void EventReader(ushort type, ReadOnlySpan<byte> body);

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

    /// <summary>How many bytes of events may wait to be read, whatever the limit for others.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void SetQueueLength(int length) => SetOption(ForceQueueLength, BitConverter.GetBytes(length));

    /// <summary>Has the kernel leave out the events that a filter returns 0 for.</summary>
    public unsafe void SetFilter(ReadOnlySpan<FilterInstruction> filter)
    {
        fixed (FilterInstruction* first = filter)
        {
            // struct sock_fprog: how many instructions, padding, where they are.
            Span<byte> program = stackalloc byte[16];
            program.Clear();
            BitConverter.TryWriteBytes(program, (ushort)filter.Length);
            BitConverter.TryWriteBytes(program[8..], (ulong)first);
            SetOption(AttachFilter, program);
        }
    }

    /// <summary>
    /// Waits for an event, and reads all that are queued. Returns false if some were lost, because more came than the socket
    /// could hold.
    /// </summary>
    /// <param name="buffer">Room for the longest message.</param>
    /// <param name="read">Hears of each.</param>
    /// <param name="token">Ends the wait.</param>
    public async Task<bool> ReadEventsAsync(byte[] buffer, EventReader read, CancellationToken token)
    {
        bool areAll = true;
        bool isFirst = true;
        do
        {
            try
            {
                int length = isFirst ? await _socket.ReceiveAsync(buffer, SocketFlags.None, token).ConfigureAwait(false) : _socket.Receive(buffer);
                ReadEvents(buffer.AsSpan(0, length), read);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.NoBufferSpaceAvailable)
            {
                areAll = false;
            }

            token.ThrowIfCancellationRequested();
            isFirst = false;
        }
        while (HasMore());
        return areAll;
    }

    private void SetOption(int option, ReadOnlySpan<byte> value)
    {
        try
        {
            _socket.SetRawSocketOption(SolSocket, option, value);
        }
        catch (SocketException error)
        {
            throw new IOException($"netlink socket: {error.Message}", error);
        }
    }

    // Not Socket.Available: netlink has no FIONREAD.
    private bool HasMore() => _socket.Poll(0, SelectMode.SelectRead);

    private static void ReadEvents(ReadOnlySpan<byte> packet, EventReader read)
    {
        while (packet.Length >= HeaderLength)
        {
            int length = Math.Clamp(MemoryMarshal.Read<int>(packet), HeaderLength, packet.Length);
            read(MemoryMarshal.Read<ushort>(packet[4..]), packet[HeaderLength..length]);
            packet = packet[Math.Min(NetlinkAttributes.Align(length), packet.Length)..];
        }
    }
}
