using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using LibBpfSharp;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>What of ours would be cut or shown otherwise if our programs were taken away.</summary>
/// <param name="Connections">Connections that are translated in tc, and are not over.</param>
/// <param name="Sockets">Connected sockets, whose peer is shown as the service.</param>
public sealed record LiveTranslations(int Connections, int Sockets)
{
    public bool IsNone => Connections == 0 && Sockets == 0;
}

/// <summary>
/// Gives a node's new connections back to kube-proxy: sockets are no longer translated when they connect or send, and packets only
/// where they belong to a connection that is known. What undoes translations stays. The next daemon takes it back.
/// </summary>
public static class Handback
{
    /// <summary>Those that choose a backend for a socket, or keep ports for services; removed backwards.</summary>
    private static readonly string[] _choosers =
        [.. SocketHook.All.Concat(SocketHook.Guards).Where(hook => !hook.IsUndoing).Select(hook => hook.Program)];

    /// <summary>Whether there is anything of ours to hand back, or to wait for.</summary>
    public static bool IsThere(string bpfFileSystem) => Directory.Exists(DatapathOptions.PinRootOf(bpfFileSystem));

    /// <summary>
    /// Whether kube-proxy has the new connections already. Where there are no connections yet, a first daemon did not come to
    /// anything that could be handed back.
    /// </summary>
    public static bool IsDone(string bpfFileSystem)
    {
        using var map = OpenState(bpfFileSystem);
        return map is not null && new BpfArrayMap<PathState>(map)[0].IsHandedBack != 0 && !ChooserPins(bpfFileSystem).Any();
    }

    /// <summary>Hands back; what is done already is left.</summary>
    /// <exception cref="IOException">A daemon is running, which would take everything back.</exception>
    public static void Do(string bpfFileSystem)
    {
        using var folderLock = FolderLock.Take(DatapathOptions.PinRootOf(bpfFileSystem));
        using (var map = OpenState(bpfFileSystem))
        {
            if (map is not null)
            {
                using var state = new BpfArrayMap<PathState>(map).MemoryMap();
                Volatile.Write(ref state[0].IsHandedBack, 1);
            }
        }

        foreach (string pin in ChooserPins(bpfFileSystem))
        {
            File.Delete(pin);
        }
    }

    /// <summary>What still lives, by the times after which connection tracking of the kernel takes a connection as over.</summary>
    public static LiveTranslations Count(string bpfFileSystem)
    {
        string root = DatapathOptions.PinRootOf(bpfFileSystem);
        int connections = PinLayout.FindConnections(root) is null ? 0 : ConnectionView.Read(bpfFileSystem).Count(IsAlive);
        int sockets = PinLayout.FindSockets(root) is { } folder
            ? SocketView.ReadPeers(folder).Values.Count(peer => peer.Flags.HasFlag(PeerFlags.Connected))
            : 0;
        return new LiveTranslations(connections, sockets);
    }

    private static bool IsAlive(ConnectionRow row)
    {
        var times = new ConnectionTimeouts();
        var longest = (row.Protocol, row.State) switch
        {
            (Protocol.Udp, ConnectionState.Open) => times.UdpStream,
            (Protocol.Udp, _) => times.Udp,
            (Protocol.Sctp, _) => times.Sctp,
            (_, ConnectionState.Opening) => times.TcpSyn,
            (_, ConnectionState.Open) => times.TcpEstablished,
            (_, ConnectionState.HalfClosed) => times.TcpCloseWait,
            (_, _) => TimeSpan.Zero,
        };
        return row.Idle < longest;
    }

    private static IEnumerable<string> ChooserPins(string bpfFileSystem)
    {
        string links = Path.Combine(DatapathOptions.PinRootOf(bpfFileSystem), "links");
        return _choosers.Reverse().Select(name => Path.Combine(links, name)).Where(File.Exists);
    }

    private static BpfMap? OpenState(string bpfFileSystem) =>
        PinLayout.FindConnections(DatapathOptions.PinRootOf(bpfFileSystem)) is { } folder
            ? BpfMap.TryOpenPinned(Path.Combine(folder, TableNames.PathStates))
            : null;
}
