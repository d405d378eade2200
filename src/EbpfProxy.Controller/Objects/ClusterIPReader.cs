using System.Collections.Immutable;
using System.Text;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Objects;

/// <summary>Works out a Service's cluster IP for each family from spec.clusterIP, clusterIPs and ipFamilies.</summary>
internal sealed class ClusterIPReader
{
    public string ClusterIP { get; set; } = "";

    public List<string> ClusterIPs { get; } = [];

    public List<string> Families { get; } = [];

    public void Clear()
    {
        ClusterIP = "";
        ClusterIPs.Clear();
        Families.Clear();
    }

    /// <summary>At most one address for each family; none for a headless Service.</summary>
    public ImmutableArray<Address> Take(Action<FieldPath, string> report)
    {
        if (ClusterIP is "" or "None")
        {
            return [];
        }

        if (Families.Count == 0 || ClusterIPs.Count == 0)
        {
            return TryParse(ClusterIP, "spec.clusterIP", report, out var single) ? [single] : [];
        }

        var addresses = ImmutableArray.CreateBuilder<Address>(2);
        for (int i = 0; i < Math.Min(Families.Count, ClusterIPs.Count); i++)
        {
            var field = new FieldPath("spec.clusterIPs", i);
            if (!TryParse(ClusterIPs[i], field, report, out var address))
            {
                continue;
            }

            if (Families[i] != address.Family.ToString())
            {
                report(field, $"\"{ClusterIPs[i]}\" is not of the family that spec.ipFamilies[{i}] says, \"{Families[i]}\"");
            }
            else if (!addresses.Any(other => other.Family == address.Family))
            {
                addresses.Add(address);
            }
        }

        return addresses.DrainToImmutable();
    }

    private static bool TryParse(string text, FieldPath field, Action<FieldPath, string> report, out Address address)
    {
        if (Address.TryParse(Encoding.UTF8.GetBytes(text), out address) && address != Address.Any && address != Address.FromIPv4(0))
        {
            return true;
        }

        report(field, $"\"{text}\" is not an IP address");
        return false;
    }
}
