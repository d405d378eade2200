using Xunit;

namespace EbpfProxy.Testing.Flows;

/// <summary>
/// The packet-flow tables of kube-proxy's own tests, and what goes beside them, in the files of Tables. The pure model,
/// the programs in the kernel and real packets answer the same rows.
/// </summary>
public static class FlowTables
{
    private static readonly Dictionary<string, FlowCase> _cases = ReadAll();

    /// <summary>The names of the cases.</summary>
    public static TheoryData<string> Names { get; } = [.. _cases.Keys];

    internal static FlowCase Get(string name) => _cases[name];

    private static Dictionary<string, FlowCase> ReadAll()
    {
        var assembly = typeof(FlowTables).Assembly;
        Dictionary<string, FlowCase> cases = [];
        foreach (string resource in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".txt", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            foreach (var each in FlowCase.ParseAll(reader.ReadToEnd()))
            {
                cases.Add(each.Name, each);
            }
        }

        return cases;
    }
}
