using System.Runtime.ExceptionServices;

namespace EbpfProxy.Testing.Kernel;

/// <summary>A network namespace of one's own with its loopback device up, removed with its devices.</summary>
public sealed class ScratchNetworkNamespace : IDisposable
{
    /// <summary>The loopback device's index, the same in every network namespace.</summary>
    public const int Loopback = 1;

    public ScratchNetworkNamespace()
    {
        Name = ScratchName.Next();
        Shell.Require("ip netns add \"$1\" && ip -n \"$1\" link set lo up", Name);
    }

    /// <summary>The name that <c>ip netns</c> knows it by.</summary>
    public string Name { get; }

    /// <summary>The file that stands for the namespace.</summary>
    public string Path => $"/run/netns/{Name}";

    /// <summary>Runs a script in the namespace; unlike <c>ip netns exec</c> it sees the same mounts.</summary>
    public ShellResult Run(string script, params IEnumerable<string> words)
        => Shell.Run("path=$1 && shift && nsenter --net=\"$path\" bash -c \"$1\" bash \"${@:2}\"", [Path, script, .. words]);

    /// <summary>Calls <paramref name="action"/> on a thread of its own that is in the namespace.</summary>
    public void Invoke(Action action) => InvokeIn(Path, action);

    /// <summary>The same in the namespace that a file stands for.</summary>
    public static void InvokeIn(string path, Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var file = File.OpenHandle(path);
                Syscalls.EnterNetworkNamespace(file);
                action();
            }
#pragma warning disable CA1031 // Handed to the thread that waits.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    public void Dispose() => Shell.Require("ip netns delete \"$1\"", Name);
}
