using EbpfProxy.EndToEnd.Tests.Packets;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using Xunit.Sdk;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>What a scenario says of a service, in the words of kube-proxy's own tests. All is tried in both families.</summary>
internal static class Check
{
    /// <summary>Visits of a service for each name that it shall give: to miss one is as good as impossible.</summary>
    private const int VisitsPerName = 20;

    /// <summary>Milliseconds to wait for an answer: where it is asked once, where it is asked until it is right, and for a refusal.</summary>
    private const int Long = 5000;
    private const int Short = 1000;
    private const int Refusal = 3000;

    public static readonly int[] Families = [4, 6];

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    /// <summary>Tries what is asserted until it holds; the last failure comes out at the deadline.</summary>
    public static void Soon(Action assertion) => Eventually.Succeeds(
        () =>
        {
            try
            {
                assertion();
            }
            catch (XunitException e)
            {
                throw new IOException(e.Message, e);
            }
        },
        _deadline);

    /// <summary>Soon each of these places reaches just these backends by the cluster IP.</summary>
    public static void IsUp(this ScenarioService service, IEnumerable<Place> places, params IReadOnlyList<string> names) => service.IsUp(places, service.Ports[0].Port, names);

    /// <inheritdoc cref="IsUp(ScenarioService, IEnumerable{Place}, IReadOnlyList{string})"/>
    public static void IsUp(this ScenarioService service, IEnumerable<Place> places, int port, IReadOnlyList<string> names) => Soon(() =>
    {
        foreach (int family in service.Families)
        {
            foreach (var place in places)
            {
                Reaches(place, "tcp", (service.ClusterIP(family), port), names, Short);
            }
        }
    });

    /// <summary>Soon each of these places is refused at the cluster IP.</summary>
    public static void IsRefused(this ScenarioService service, IEnumerable<Place> places, int port = 80, string protocol = "tcp") => Soon(() =>
    {
        foreach (int family in service.Families)
        {
            foreach (var place in places)
            {
                Refuses(place, protocol, (service.ClusterIP(family), port));
            }
        }
    });

    /// <summary>A place reaches just these backends.</summary>
    public static void Reaches(Place place, string protocol, (string Address, int Port) door, IReadOnlyList<string> names, int wait = Long)
    {
        string expected = string.Join(' ', names.Order(StringComparer.Ordinal));
        string actual = string.Join(' ', NamesOf(place, protocol, door, names.Count, wait));
        Assert.True(expected == actual, $"{Path.GetFileName(place.Cgroup)} to {door.Address} port {door.Port} by {protocol}: {actual}, not {expected}");
    }

    /// <summary>TCP is busy with its first SYN when it hears of the refusal by ICMP, and takes it for final at the second only.</summary>
    public static void Refuses(Place place, string protocol, (string Address, int Port) door) =>
        Assert.EndsWith(" errno=ECONNREFUSED", place.Probe("-w", $"{Refusal}", "ask", Row(protocol, door), door.Address, $"{door.Port}")[^1], StringComparison.Ordinal);

    /// <summary>A place hears nothing at all.</summary>
    public static void IsSilent(Place place, string protocol, (string Address, int Port) door) =>
        Assert.Contains(place.AskInSilence(Row(protocol, door), door.Address, door.Port), (string[])["EINPROGRESS", "EAGAIN", "ETIMEDOUT"]);

    /// <summary>A place is not answered, whatever it is told.</summary>
    public static void IsUnanswered(Place place, string protocol, (string Address, int Port) door) =>
        Assert.DoesNotContain("answered", place.AskInSilence(Row(protocol, door), door.Address, door.Port), StringComparison.Ordinal);

    /// <summary>The address of a node.</summary>
    public static string AddressOf(this TestNode node, int family) => family == 4 ? node.IPv4 : node.IPv6;

    public static string AddressOf(this Pod pod, int family) => family == 4 ? pod.IPv4 : pod.IPv6;

    private static string Row(string protocol, (string Address, int Port) door) =>
        Expect.Row(protocol, door.Address.Contains(':', StringComparison.Ordinal) ? 6 : 4);

    private static IEnumerable<string> NamesOf(Place place, string protocol, (string Address, int Port) door, int count, int wait)
    {
        string[] lines = place.Probe("-w", $"{wait}", "spread", protocol, door.Address, $"{door.Port}", $"{VisitsPerName * count}");
        return lines.Select(line => ProbeClient.Words(line).TryGetValue("name", out string? name) ? name.Split('/')[0] : line).Order(StringComparer.Ordinal);
    }
}
