using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Kernel;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Namespaces;

/// <summary>
/// Finds the network namespaces of the machine, and does things inside of them. Nothing is kept from one call to the next:
/// to hold a namespace open would keep a dead pod's devices alive.
/// </summary>
internal sealed class NetworkNamespaces(ILogger logger)
{
    private const int SolSocket = 1;
    private const int SoNetnsCookie = 71;
    private const int NotPermitted = 1;
    private const int AtEmptyPath = 0x1000;
    private const uint StatxInode = 0x100;
    private const int StatxInodeOffset = 32;

    private int _isRefused;

    /// <summary>The network namespaces that there are now, that of this process among them.</summary>
    public IReadOnlyList<NetworkNamespace> Find()
    {
        var files = NamespaceFiles.Find();
        var found = new List<NetworkNamespace>(files.Count);
        OnThreadOfItsOwn(() =>
        {
            foreach (var (inode, path) in files)
            {
                found.Add(new NetworkNamespace(inode, TryMove(inode, path) ? ReadCookie() : 0, path));
            }
        });
        return found;
    }

    /// <summary>
    /// Calls <paramref name="action"/> on a thread of its own that is in the namespace; what it throws comes out here. False,
    /// without a call, where the namespace is gone, or where entering it is refused: that is told once in the log.
    /// </summary>
    public bool TryInvoke(NetworkNamespace place, Action action)
    {
        bool isThere = false;
        OnThreadOfItsOwn(() =>
        {
            isThere = TryMove(place.Inode, place.Path) && (place.Cookie == 0 || ReadCookie() == place.Cookie);
            if (isThere)
            {
                action();
            }
        });
        return isThere;
    }

    /// <summary>The cookie of the calling thread's network namespace; 0 before 5.14, which cannot tell it.</summary>
    /// <exception cref="IOException">There is no socket to ask with: too many files are open, say.</exception>
    public static ulong ReadCookie()
    {
        using var socket = OpenSocket();
        Span<byte> cookie = stackalloc byte[8];
        try
        {
            return socket.GetRawSocketOption(SolSocket, SoNetnsCookie, cookie) == 8 ? BitConverter.ToUInt64(cookie) : 0;
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <summary>A failure comes out as what the callers of all else here expect.</summary>
    private static Socket OpenSocket()
    {
        try
        {
            return new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        }
        catch (SocketException e)
        {
            throw new IOException($"open a socket: {e.Message}", e);
        }
    }

    /// <summary>Not a thread of the pool: what has moved does not come back, and ends with its thread.</summary>
    private static void OnThreadOfItsOwn(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
#pragma warning disable CA1031 // Handed to the thread that waits.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        {
            IsBackground = true,
            Name = "network namespace",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>Moves the calling thread; false where the file stands for nothing any more or for another namespace.</summary>
    private bool TryMove(ulong inode, string path)
    {
        // Where it is already it needs no leave.
        if (NamespaceFiles.InodeOf("/proc/thread-self/ns/net") == inode)
        {
            return true;
        }

        int fd = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        if (fd < 0)
        {
            return false;
        }

        try
        {
            if (InodeOf(fd) != inode)
            {
                return false;
            }

            if (Libc.EnterNamespace(fd, Libc.NetworkNamespace) == 0)
            {
                return true;
            }

            if (Marshal.GetLastPInvokeError() == NotPermitted && Interlocked.Exchange(ref _isRefused, 1) == 0)
            {
                Log.NamespacesRefused(logger, Libc.LastError);
            }

            return false;
        }
        finally
        {
            Libc.Close(fd);
        }
    }

    private static ulong InodeOf(int fd)
    {
        Span<byte> status = stackalloc byte[256];
        return Libc.Statx(fd, "", AtEmptyPath, StatxInode, status) == 0 ? BitConverter.ToUInt64(status[StatxInodeOffset..]) : 0;
    }
}
