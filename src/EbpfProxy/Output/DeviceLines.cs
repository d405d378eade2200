namespace EbpfProxy.Output;

/// <summary>
/// The devices that have the programs, in lines. A node has one for each of its pods: those of a kind that have them in the
/// same place are told as one, and by name what is otherwise, as what lacks a direction or comes behind others.
/// </summary>
internal static class DeviceLines
{
    /// <summary>So many alike are told by name.</summary>
    private const int MostNames = 3;

    /// <param name="hooks">The programs, those of a device together.</param>
    /// <param name="isWide">Whether each is told.</param>
    public static IEnumerable<string> Of(IReadOnlyList<DeviceHookJson> hooks, bool isWide)
    {
        var devices = hooks.GroupBy(hook => hook.Device).Select(device => (Name: device.Key, device.First().Kind, Hooks: device.ToArray())).ToList();
        var groups = devices.GroupBy(device => (device.Kind, Places: string.Join(';', device.Hooks.Select(TextOf)))).ToList();
        var most = groups.GroupBy(group => group.Key.Kind).ToDictionary(kind => kind.Key, kind => kind.Max(group => group.Count()));
        foreach (var alike in groups)
        {
            string[] names = [.. alike.Select(device => device.Name)];
            foreach (string name in isWide || names.Length <= MostNames ? names : [Folded(names, alike.Key.Kind, isMost: names.Length == most[alike.Key.Kind])])
            {
                foreach (var hook in alike.First().Hooks)
                {
                    yield return $"{name} {TextOf(hook)}";
                }
            }
        }
    }

    /// <summary>Many alike: where most of the kind are otherwise, with the names of some.</summary>
    private static string Folded(string[] names, string kind, bool isMost)
    {
        string word = kind.Length == 0 ? "physical" : kind;
        return isMost ? $"{names.Length} {word}" : $"{names.Length} {word} ({string.Join(", ", names.Take(MostNames))}, ...)";
    }

    private static string TextOf(DeviceHookJson hook) =>
        $"{hook.Direction}: {hook.Place}{NamesOf(" after ", hook.Before)}{NamesOf(" before ", hook.After)}";

    private static string NamesOf(string word, IReadOnlyList<string> programs) =>
        programs.Count == 0 ? "" : $",{word}{string.Join(", ", programs)}";
}
