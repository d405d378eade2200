using System.Collections.Immutable;
using System.Text.Json;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Objects;

/// <summary>What the proxy reads of a networking.k8s.io/v1 ServiceCIDR.</summary>
internal sealed record ServiceCidr(string Name, ImmutableArray<Prefix> Prefixes);

/// <summary>Reads networking.k8s.io/v1 ServiceCIDRs.</summary>
internal sealed class ServiceCidrReader(IObjectFaults faults)
    : ObjectReader<ServiceCidr>("ServiceCIDR", isNamespaced: false, faults)
{
    protected override ServiceCidr? ReadFields(ref Utf8JsonReader reader)
    {
        var prefixes = ImmutableArray.CreateBuilder<Prefix>();
        while (reader.NextProperty())
        {
            if (!reader.ValueTextEquals("spec"u8))
            {
                reader.Skip();
            }
            else if (EnterObject(ref reader, "spec"))
            {
                ReadSpec(ref reader, prefixes);
            }
        }

        return new ServiceCidr(Metadata.Name, prefixes.ToImmutable());
    }

    private void ReadSpec(ref Utf8JsonReader reader, ImmutableArray<Prefix>.Builder prefixes)
    {
        while (reader.NextProperty())
        {
            if (!reader.ValueTextEquals("cidrs"u8))
            {
                reader.Skip();
            }
            else if (EnterArray(ref reader, "spec.cidrs"))
            {
                for (int i = 0; reader.NextElement(); i++)
                {
                    if (TryReadPrefix(ref reader, new("spec.cidrs", i), out var prefix))
                    {
                        prefixes.Add(prefix);
                    }
                }
            }
        }
    }
}
