using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Stale;

/// <summary>
/// A socket that is to be closed: its cookie, and the address and port (in network order) that it is connected to. It may be
/// connected elsewhere by now, to where no program has anything to note.
/// </summary>
internal readonly record struct UdpSocket(ulong Cookie, Address Remote, ushort RemotePortBe);
