using System.Net.Sockets;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Model.KubeProxy;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>
/// Finds what kube-proxy has in tables of iptables in the kernel's form of before nftables. A table is replaced by one without it, in one
/// step, as iptables itself does, and with the counters of what stays; while the lock is held that iptables takes.
/// </summary>
internal static class LegacyParts
{
    private const string LockFile = "/run/xtables.lock";

    private static readonly string[] _tables = ["nat", "filter", "mangle"];

    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IEnumerable<KubeProxyPart> Find()
    {
        List<KubeProxyPart> parts = [];
        foreach (var family in LegacyFamily.All)
        {
            var names = family.ReadNames();
            foreach (string table in _tables.Where(names.Contains))
            {
                var removal = With(family, socket => FindIn(new LegacyRules(family, socket.Read(table))));
                if (!removal.IsEmpty)
                {
                    parts.Add(new KubeProxyPart($"{family.Tool} (legacy) table {table}", RemovalWords.Of(removal), () => Remove(family, table), table == "nat" && removal.Serves));
                }
            }
        }

        return parts;
    }

    private static ChainRemoval FindIn(LegacyRules rules) => KubeProxyChains.Find(rules.Chains, rules.Rules);

    private static void Remove(LegacyFamily family, string table)
    {
        using var held = File.Exists(LockFile) ? FolderLock.TakeFile(LockFile) : null;
        With(family, socket =>
        {
            var content = socket.Read(table);
            var rules = new LegacyRules(family, content);
            var removal = FindIn(rules);
            if (!removal.IsEmpty)
            {
                byte[] counters = socket.Replace(table, rules.Without(removal), content.Count);
                socket.AddCounters(table, rules.CountersWithout(removal, counters));
            }

            return removal;
        });
    }

    private static ChainRemoval With(LegacyFamily family, Func<LegacySocket, ChainRemoval> use)
    {
        try
        {
            using var socket = new LegacySocket(family);
            return use(socket);
        }
        catch (SocketException error)
        {
            throw new IOException($"tables of {family.Tool}: {error.Message}", error);
        }
    }
}
