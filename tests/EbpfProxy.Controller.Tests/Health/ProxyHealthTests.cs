using System.Text;
using EbpfProxy.Controller.Health;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Controller.Tests.Cache;
using EbpfProxy.Controller.Tests.Objects;
using EbpfProxy.Model.Cluster;
using Microsoft.Extensions.Time.Testing;
using static EbpfProxy.Model.Network.IpFamily;

namespace EbpfProxy.Controller.Tests.Health;

/// <summary>kube-proxy's own script for its health server, step by step.</summary>
public sealed class ProxyHealthTests
{
    private static readonly ClusterNode? _node = Sample.Node();

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly ProxyHealth _health;

    public ProxyHealthTests() => _health = new ProxyHealth(_time, TimeSpan.FromSeconds(10));

    /// <summary>
    /// OB-15 of the reference, row by row: what happens (u: up to date, q: queued, 4 and 6: the family, +25: seconds go by,
    /// or what the node has), then the codes of /healthz and /livez, and which families are healthy.
    /// </summary>
    [Fact]
    public void OB_15_The_script_of_kube_proxy()
    {
        (string Steps, int Healthz, int Livez, string Families)[] rows =
        [
            ("", 200, 200, ""),
            ("u4 u6", 200, 200, "4 6"),
            ("+25", 200, 200, "4 6"),
            ("q4 +25", 503, 503, "6"),
            ("u4 u6", 200, 200, "4 6"),
            ("q6 +25", 503, 503, "4"),
            ("u4 u6", 200, 200, "4 6"),
            ("q4 q6 +25", 503, 503, ""),
            ("u4", 503, 503, "4"),
            ("u6", 200, 200, "4 6"),
            ("taint:other", 200, 200, "4 6"),
            ("taint:ToBeDeletedByClusterAutoscaler", 503, 200, "4 6"),
            ("taint:", 200, 200, "4 6"),
            ("deleted", 503, 200, "4 6"),
            ("gone", 503, 200, "4 6"),
        ];
        var node = _node;
        var updated = DateTimeOffset.MinValue;
        foreach (var (steps, healthz, livez, families) in rows)
        {
            foreach (string step in steps.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                Play(step, ref node, ref updated);
            }

            var report = _health.Healthy(node);
            var live = _health.Live();
            Assert.True((healthz, livez) == (report.StatusCode, live.StatusCode), steps);
            Assert.Equal(families, string.Join(' ', report.Families.Where(f => f.Value.IsHealthy).Select(f => f.Key == IPv4 ? "4" : "6")));
            Assert.Equal(healthz == 200 ? _time.GetUtcNow() : updated, report.LastUpdated);
            Assert.Equal(livez == 200 ? _time.GetUtcNow() : updated, live.LastUpdated);
            Assert.Equal(livez == 200, report.IsHealthy);
        }
    }

    [Fact]
    public void A_proxy_that_has_not_started_is_healthy_and_tells_no_families()
    {
        Assert.Equal(200, _health.Live().StatusCode);
        Assert.Equal(
            """{"lastUpdated":"2026-01-02T03:04:05Z","currentTime":"2026-01-02T03:04:05Z","nodeEligible":true,"healthy":true}""",
            Json(_health.Healthy(_node)));
    }

    [Fact]
    public void A_proxy_without_anything_to_do_is_healthy_for_ever()
    {
        UpdateBoth();

        _time.Advance(TimeSpan.FromHours(25));

        AssertHealth(200, v4: true, v6: true);
    }

    [Fact]
    public void A_family_whose_update_waits_for_too_long_is_unhealthy_until_it_is_up_to_date()
    {
        UpdateBoth();
        _time.Advance(TimeSpan.FromMilliseconds(1500));
        var updated = _time.GetUtcNow();
        UpdateBoth();
        _health.QueuedUpdate(IPv4);
        _time.Advance(TimeSpan.FromSeconds(25));

        var report = AssertHealth(503, v4: false, v6: true);
        Assert.Equal(updated, report.LastUpdated);
        Assert.Equal(
            """{"lastUpdated":"2026-01-02T03:04:06.5Z","currentTime":"2026-01-02T03:04:31.5Z","healthy":false,"status":{"IPv4":""" +
            """{"lastUpdated":"2026-01-02T03:04:06.5Z","healthy":false},"IPv6":{"lastUpdated":"2026-01-02T03:04:06.5Z","healthy":true}}}""",
            Json(_health.Live()));

        UpdateBoth();
        AssertHealth(200, v4: true, v6: true);
    }

    [Fact]
    public void Each_family_has_to_come_up_to_date_itself()
    {
        UpdateBoth();
        _health.QueuedUpdate(IPv6);
        _time.Advance(TimeSpan.FromSeconds(25));
        AssertHealth(503, v4: true, v6: false);

        _health.QueuedUpdate(IPv4);
        _time.Advance(TimeSpan.FromSeconds(25));
        AssertHealth(503, v4: false, v6: false);

        _health.Updated(IPv4);
        AssertHealth(503, v4: true, v6: false);

        _health.Updated(IPv6);
        AssertHealth(200, v4: true, v6: true);
    }

    [Fact]
    public void Later_requests_do_not_make_the_oldest_younger()
    {
        UpdateBoth();
        _health.QueuedUpdate(IPv4);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        _health.QueuedUpdate(IPv4);
        AssertHealth(200, v4: true, v6: true);

        _time.Advance(TimeSpan.FromSeconds(0.1));

        AssertHealth(503, v4: false, v6: true);
    }

    [Fact]
    public void Part_that_begins_and_does_not_come_to_an_end_is_named_after_a_minute()
    {
        UpdateBoth();
        _health.Expect("maintenance");
        _health.Arrived("maintenance");
        _health.Expect("node");
        _time.Advance(TimeSpan.FromSeconds(59));
        _health.Expect("node");
        _time.Advance(TimeSpan.FromSeconds(59));
        AssertHealth(200, v4: true, v6: true);

        _time.Advance(TimeSpan.FromSeconds(1));

        AssertHealth(503, v4: true, v6: true);
        Assert.EndsWith(""","healthy":true}},"hanging":"node"}""", Json(_health.Live()), StringComparison.Ordinal);
        _health.Expect("node");
        AssertHealth(200, v4: true, v6: true);
    }

    [Fact]
    public void Longest_wait_is_that_of_the_family_that_has_waited_longest()
    {
        Assert.Null(_health.WaitingSince);
        _health.QueuedUpdate(IPv4);
        var since = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromSeconds(3));
        _health.QueuedUpdate(IPv6);

        Assert.Equal(since, _health.WaitingSince);
        _health.Updated(IPv4);
        Assert.Equal(since.AddSeconds(3), _health.WaitingSince);
    }

    public static TheoryData<string, ClusterNode?, int> Nodes => new()
    {
        { "as it should be", _node, 200 },
        { "with the taint of the autoscaler", Sample.Node(isLeaving: true), 503 },
        { "being deleted", Sample.Node(isDeleted: true), 503 },
        { "not known", null, 503 },
    };

    [Theory]
    [MemberData(nameof(Nodes), DisableDiscoveryEnumeration = true)]
    public void Only_healthz_asks_whether_the_node_shall_get_traffic(string node, ClusterNode? value, int expected)
    {
        UpdateBoth();
        var updated = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromSeconds(5));

        var report = _health.Healthy(value);

        Assert.True(report.StatusCode == expected, node);
        Assert.True(report.IsHealthy);
        Assert.Equal(expected == 200, report.IsNodeEligible);
        Assert.Equal(expected == 200 ? _time.GetUtcNow() : updated, report.LastUpdated);
        Assert.Equal(200, _health.Live().StatusCode);
        Assert.Null(_health.Live().IsNodeEligible);
    }

    [Fact]
    public void A_node_that_never_was_up_to_date_says_so()
    {
        Assert.Contains("\"lastUpdated\":\"0001-01-01T00:00:00Z\"", Json(_health.Healthy(null)), StringComparison.Ordinal);
    }

    private void Play(string step, ref ClusterNode? node, ref DateTimeOffset updated)
    {
        switch (step)
        {
            case "u4" or "u6":
                _health.Updated(step == "u4" ? IPv4 : IPv6);
                updated = _time.GetUtcNow();
                break;
            case "q4" or "q6":
                _health.QueuedUpdate(step == "q4" ? IPv4 : IPv6);
                break;
            case "deleted":
                node = Sample.Node(isDeleted: true);
                break;
            case "gone":
                node = null;
                break;
            case ['+', .. var seconds]:
                _time.Advance(TimeSpan.FromSeconds(int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture)));
                break;
            default:
                node = NodeWithTaint(step["taint:".Length..]);
                break;
        }
    }

    /// <summary>As the reader makes it of the object of the API.</summary>
    private static ClusterNode NodeWithTaint(string key)
    {
        string taints = key.Length == 0 ? "" : $$"""{"key":"{{key}}","effect":"NoSchedule"}""";
        return Reading.Read(new NodeReader(new RecordedFaults()), $$$"""{"metadata":{"name":"n1"},"spec":{"taints":[{{{taints}}}]}}""")!;
    }

    private static string Json(HealthReport report) => Encoding.UTF8.GetString(report.ToJson());

    private void UpdateBoth()
    {
        _health.Updated(IPv4);
        _health.Updated(IPv6);
    }

    private HealthReport AssertHealth(int status, bool v4, bool v6)
    {
        var report = _health.Healthy(_node);
        Assert.Equal(status, report.StatusCode);
        Assert.Equal(status, _health.Live().StatusCode);
        Assert.Equal([(IPv4, v4), (IPv6, v6)], report.Families.Select(f => (f.Key, f.Value.IsHealthy)));
        return report;
    }
}
