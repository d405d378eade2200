using EbpfProxy.Model.Devices;

namespace EbpfProxy.Datapath.Node;

/// <summary>
/// Keeps ports from the node's own sockets that ask for any: net.ipv4.ip_local_reserved_ports of this network namespace.
/// What was reserved before stays so; what is ours is noted in folders, one a range, so that it can be given back.
/// </summary>
internal sealed class LocalPorts(string notes, string settings = "/proc/sys/net/ipv4")
{
    private readonly string _reserved = Path.Combine(settings, "ip_local_reserved_ports");
    private readonly string _given = Path.Combine(settings, "ip_local_port_range");

    /// <summary>Reserves what the kernel would give to sockets of <paramref name="ports"/>, and gives back what an earlier run needed and this does not.</summary>
    /// <remarks>Where all is as it should be nothing is written: a container that may not write settings can run after one that may.</remarks>
    /// <returns>What is reserved for us.</returns>
    /// <exception cref="IOException">The setting cannot be written.</exception>
    public string Reserve(PortRange ports)
    {
        var others = Read().Without(ReadNotes());
        var ours = ReadGiven() is { } given ? ReservedPorts.Overlap(ports, given).Without(others) : ReservedPorts.None;
        foreach (string range in Split(ours))
        {
            Directory.CreateDirectory(Path.Combine(notes, range));
        }

        Write(others.With(ours));
        foreach (string range in Split(ReadNotes()).Except(Split(ours)))
        {
            Directory.Delete(Path.Combine(notes, range));
        }

        return ours.ToString();
    }

    /// <summary>Gives all of ours back.</summary>
    public void Release()
    {
        if (Directory.Exists(notes))
        {
            Write(Read().Without(ReadNotes()));
            Directory.Delete(notes, recursive: true);
        }
    }

    private static string[] Split(ReservedPorts ports) => ports.ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);

    private ReservedPorts Read() => ReservedPorts.Parse(File.ReadAllText(_reserved));

    private ReservedPorts ReadNotes() => Directory.Exists(notes)
        ? ReservedPorts.Parse(string.Join(',', Directory.EnumerateDirectories(notes).Select(Path.GetFileName)))
        : ReservedPorts.None;

    private PortRange? ReadGiven()
    {
        string text = string.Join('-', File.ReadAllText(_given).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return PortRange.TryParse(text, out var range) ? range : null;
    }

    private void Write(ReservedPorts ports)
    {
        string text = ports.ToString();
        if (text != Read().ToString())
        {
            try
            {
                // Without a line end the kernel takes an empty text for no write at all.
                File.WriteAllText(_reserved, text + "\n");
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
