using System.Globalization;
using System.Text.Json;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Health;

/// <summary>An answer of the health server, as kube-proxy words it.</summary>
/// <param name="Now">The time of the question.</param>
/// <param name="LastUpdated">When the tables were last brought up to date; the time of the question where all is well.</param>
/// <param name="IsHealthy">Whether the proxy itself is healthy.</param>
/// <param name="IsNodeEligible">Whether the node may get traffic; null where the question is not about the node.</param>
/// <param name="Families">Each family that has started.</param>
/// <param name="Hanging">The parts beside the families that do not come to an end.</param>
public sealed record HealthReport(
    DateTimeOffset Now,
    DateTimeOffset LastUpdated,
    bool IsHealthy,
    bool? IsNodeEligible,
    IReadOnlyList<KeyValuePair<IpFamily, FamilyHealth>> Families,
    IReadOnlyList<string> Hanging)
{
    /// <summary>Why the proxy is not ready, which kube-proxy has no word for; null where it is, or where that is not the question.</summary>
    public string? NotReady { get; init; }

    public bool IsOk => IsHealthy && IsNodeEligible != false;

    public int StatusCode => IsOk ? 200 : 503;

    /// <summary>One line of JSON, its keys in kube-proxy's order; what hangs, which is none of its, comes after them.</summary>
    public byte[] ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("lastUpdated", Format(LastUpdated));
            json.WriteString("currentTime", Format(Now));
            if (IsNodeEligible is { } isEligible)
            {
                json.WriteBoolean("nodeEligible", isEligible);
            }

            json.WriteBoolean("healthy", IsHealthy);
            if (NotReady is not null)
            {
                json.WriteString("notReady", NotReady);
            }

            if (Families.Count > 0)
            {
                WriteFamilies(json);
            }

            if (Hanging.Count > 0)
            {
                json.WriteString("hanging", string.Join(", ", Hanging));
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private void WriteFamilies(Utf8JsonWriter json)
    {
        json.WriteStartObject("status");
        foreach (var (family, health) in Families)
        {
            json.WriteStartObject(family.ToString());
            json.WriteString("lastUpdated", Format(health.Updated));
            json.WriteBoolean("healthy", health.IsHealthy);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>RFC 3339 with as many digits of the second as are not zero. The first moment of all stands for "never".</summary>
    private static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
