using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>What of the proxy is on a node, whoever put it there.</summary>
public static class DatapathState
{
    /// <summary>Whether a daemon holds the pins.</summary>
    public static bool IsRunning(string bpfFileSystem)
    {
        string root = DatapathOptions.PinRootOf(bpfFileSystem);
        return Directory.Exists(root) && FolderLock.IsTaken(root);
    }

    /// <summary>The programs that are attached, by the names of their pins.</summary>
    public static IReadOnlyList<string> AttachedPrograms(string bpfFileSystem)
    {
        string links = LinksOf(bpfFileSystem);
        return [.. SocketHook.All.Select(hook => hook.Program).Where(name => File.Exists(Path.Combine(links, name)))];
    }

    /// <summary>Whether the bytes of TCP sockets are counted by service: the program is attached that does it.</summary>
    public static bool CountsSocketBytes(string bpfFileSystem) =>
        SocketHook.Counters.All(hook => File.Exists(Path.Combine(LinksOf(bpfFileSystem), hook.Program)));

    /// <summary>How many programs there are to attach.</summary>
    public static int AllPrograms => SocketHook.All.Count;

    /// <summary>
    /// Removes every program, link, map and pin: first what translates, then what undoes a translation, then the tables.
    /// Returns whether there was anything.
    /// </summary>
    /// <exception cref="IOException">A daemon is running.</exception>
    public static bool Remove(string bpfFileSystem)
    {
        string root = DatapathOptions.PinRootOf(bpfFileSystem);
        bool wasThere = Directory.Exists(root);
        using var folderLock = wasThere ? FolderLock.Take(root) : null;
        using var devices = new DeviceCleanup(LinksOf(bpfFileSystem));
        wasThere |= devices.Remove(TrafficDirection.Ingress);
        foreach (string pin in SocketHook.All.Concat(SocketHook.Optional).Reverse().Select(hook => hook.Program)
            .Concat(SocketHook.Counters.Select(hook => hook.EndingPin))
            .Select(name => Path.Combine(LinksOf(bpfFileSystem), name)).Where(File.Exists))
        {
            File.Delete(pin);
        }

        wasThere |= devices.Remove(TrafficDirection.Egress);
        devices.RemoveQdiscs();
        new LocalPorts(PacketPath.PortNotesOf(root)).Release();
        PinFolder.Delete(root);
        return wasThere;
    }

    private static string LinksOf(string bpfFileSystem) => Path.Combine(DatapathOptions.PinRootOf(bpfFileSystem), "links");
}
