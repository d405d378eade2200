using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.Conntrack;

/// <summary>
/// Hears of the flows that the kernel's connection tracking translates, as they come and go. The kernel itself leaves out
/// all others, which may be thousands a second.
/// </summary>
internal sealed class ConntrackEvents : IDisposable
{
    // The bits of NFNLGRP_CONNTRACK_NEW, _UPDATE and _DESTROY.
    private const uint Groups = 0x7;
    private const int QueueLength = 4 << 20;
    private const int LongestMessage = 8192;

    private readonly NetlinkSocket _socket = new(Groups, protocol: NetlinkSocket.Netfilter);
    private readonly byte[] _buffer = new byte[LongestMessage];

    public ConntrackEvents()
    {
        try
        {
            _socket.SetQueueLength(QueueLength);
            _socket.SetFilter(MessageFilter.WithBits(
                NetlinkSocket.HeaderLength + ConntrackAttribute.MessageLength, ConntrackAttribute.Status, ConntrackFlow.DestinationChanged));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Waits for events, and reads all that are queued: flows that are there, and flows that are gone. Returns false if some
    /// were lost, because more came than the socket could hold.
    /// </summary>
    public Task<bool> ReadAsync(ConntrackNetlink.FlowReader there, ConntrackNetlink.FlowReader gone, CancellationToken token) => _socket.ReadEventsAsync(
        _buffer,
        (type, body) =>
        {
            if (ConntrackNetlink.TryReadFlow(body) is { } flow)
            {
                (type == ConntrackAttribute.DeleteEntry ? gone : there)(flow);
            }
        },
        token);

    public void Dispose() => _socket.Dispose();
}
