using System.Text;
using EbpfProxy.Model.Devices;

namespace EbpfProxy.Datapath.Node;

/// <summary>
/// Keeps ports from the node's own sockets that ask for any: net.ipv4.ip_local_reserved_ports of this network namespace.
/// What was reserved before stays so; what is ours is noted in folders, one a range, so that it can be given back.
/// </summary>
internal sealed class LocalPorts(string notes, string settings = "/proc/sys/net/ipv4")
{
    /// <summary>Fewer ports than these are too few for the sockets of a node: without one, neither kubelet nor daemon connects any more.</summary>
    private const int FewestLeft = 1024;

    /// <summary>The kernel takes no more than a page by one write, and adds what comes by the next; a number must not be cut in two.</summary>
    private const int LongestWrite = 4000;

    /// <summary>Room for most. What is longer is read again, as a whole: the kernel tells the first of pieces only.</summary>
    private const int UsualText = 4096;

    private readonly string _reserved = Path.Combine(settings, "ip_local_reserved_ports");
    private readonly string _given = Path.Combine(settings, "ip_local_port_range");

    /// <summary>Reserves what the kernel would give to sockets of <paramref name="ports"/>, and gives back what an earlier run needed and this does not.</summary>
    /// <remarks>Where all is as it should be nothing is written: a container that may not write settings can run after one that may.</remarks>
    /// <returns>What is reserved for us.</returns>
    /// <exception cref="IOException">The setting cannot be written, or would leave the node's sockets too few ports.</exception>
    public string Reserve(PortRange ports)
    {
        var others = Read().Without(ReadNotes());
        var given = ReadGiven();
        var ours = given is null ? ReservedPorts.None : ReservedPorts.Overlap(ports, given.Value).Without(others);
        if (given is { } range && ours.Count > 0)
        {
            EnsureEnough(ports, range, ours.Count, ReservedPorts.Of(range).Without(others.With(ours)).Count);
        }

        foreach (string part in Split(ours))
        {
            Directory.CreateDirectory(Path.Combine(notes, part));
        }

        Write(others.With(ours));
        foreach (string part in NoteNames().Except(Split(ours)))
        {
            Directory.Delete(Path.Combine(notes, part));
        }

        return ours.ToString();
    }

    /// <summary>Whether what is ours is reserved: whoever writes the setting, as sysctl(8) at the start of the node does, writes it anew.</summary>
    public bool AreKept() => ReadNotes().Without(Read()).Count == 0;

    /// <summary>Gives all of ours back.</summary>
    public void Release()
    {
        if (Directory.Exists(notes))
        {
            Write(Read().Without(ReadNotes()));
            Directory.Delete(notes, recursive: true);
        }
    }

    /// <summary>Where it is others that leave few, it is not for us to say.</summary>
    private static void EnsureEnough(PortRange ports, PortRange given, int taken, int left)
    {
        if (left < FewestLeft && left < taken)
        {
            throw new IOException(
                $"masqueradePorts {ports} would leave {left} of the {given.Count} ports that the node's own sockets get (net.ipv4.ip_local_port_range " +
                $"is {given}), and they need {FewestLeft}: take a range beside those, or change that setting");
        }
    }

    private static string[] Split(ReservedPorts ports) => ports.ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);

    private ReservedPorts Read()
    {
        using var file = File.OpenHandle(_reserved);
        byte[] text = new byte[UsualText];
        int length;
        while ((length = RandomAccess.Read(file, text, 0)) == text.Length)
        {
            text = new byte[2 * text.Length];
        }

        return ReservedPorts.Parse(Encoding.ASCII.GetString(text, 0, length));
    }

    private ReservedPorts ReadNotes() => ReservedPorts.Parse(string.Join(',', NoteNames()));

    private string[] NoteNames() => Directory.Exists(notes) ? [.. new DirectoryInfo(notes).EnumerateDirectories().Select(note => note.Name)] : [];

    private PortRange? ReadGiven()
    {
        string text = string.Join('-', File.ReadAllText(_given).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return PortRange.TryParse(text, out var range) ? range : null;
    }

    private void WriteParts(string text)
    {
        using var file = File.OpenHandle(_reserved, FileMode.Open, FileAccess.Write);
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        for (int written = 0; written < bytes.Length;)
        {
            int length = bytes.Length - written;
            length = length <= LongestWrite ? length : bytes.AsSpan(written, LongestWrite).LastIndexOf((byte)',') + 1;
            RandomAccess.Write(file, bytes.AsSpan(written, length), written);
            written += length;
        }
    }

    private void Write(ReservedPorts ports)
    {
        string text = ports.ToString();
        if (text != Read().ToString())
        {
            try
            {
                // Without a line end the kernel takes an empty text for no write at all.
                WriteParts(text + "\n");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new IOException(
                    $"cannot write {_reserved}, to keep the ports for masquerading from other sockets: {e.Message} " +
                    "`ebpf-proxy run --init-only` does it before, with all privileges", e);
            }
        }
    }
}
