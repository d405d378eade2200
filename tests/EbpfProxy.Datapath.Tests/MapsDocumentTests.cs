using EbpfProxy.Datapath.Programs;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests;

/// <summary>docs/maps.md has every map that the programs have.</summary>
public sealed class MapsDocumentTests
{
    [Fact]
    public void Every_map_has_a_line()
    {
        string[] lines = [.. File.ReadLines(Path.Combine(Repository.Path!, "docs", "maps.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal))];

        Assert.All(Maps(), map => Assert.Contains(lines, line => line.Split('|')[1].Contains($"`{map}`", StringComparison.Ordinal)));
    }

    /// <summary>Without those of globals, and the slots through which programs reach a table.</summary>
    private static HashSet<string> Maps()
    {
        using var sockets = BpfObject.Open(SocketObject.Read(), "sockets");
        using var packets = BpfObject.Open(TcObject.Read(), "packets");
        return [.. sockets.Maps.Concat(packets.Maps).Select(map => map.Name)
            .Where(name => !name.Contains('.', StringComparison.Ordinal) && !name.EndsWith("_slot", StringComparison.Ordinal))];
    }
}
