using EbpfProxy.Controller.Health;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Why the proxy is not ready, for /readyz, `status` and the metrics. A rollout waits for it, and stops at the first node that does not come to be.</summary>
internal sealed class Readiness
{
    private const string FirstSync = "first_sync";
    private const string LateSync = "late_sync";
    private const string Hanging = "hanging";
    private const string Devices = "devices";

    private static readonly string[] _label = ["reason"];

    private readonly Task _firstSync;
    private readonly ProxyHealth _health;
    private readonly Func<IReadOnlyList<string>> _unmatched;
    private readonly Gauge _gauge;

    /// <param name="firstSync">Completes when the maps hold every service for the first time.</param>
    /// <param name="health">Whether they keep up.</param>
    /// <param name="unmatched">The patterns of devices, where none matches a device of the node.</param>
    /// <param name="metrics">Makes the metric.</param>
    /// <param name="registry">Asks for it.</param>
    public Readiness(Task firstSync, ProxyHealth health, Func<IReadOnlyList<string>> unmatched, IMetricFactory metrics, CollectorRegistry registry)
    {
        _firstSync = firstSync;
        _health = health;
        _unmatched = unmatched;
        _gauge = metrics.CreateGauge(
            "ebpf_proxy_not_ready",
            "1 for each reason why /readyz answers 503: first_sync (lists are not complete), late_sync (a change has waited for twice the sync period), hanging (a part of the daemon does not come to an end), devices (--devices names none that the node has)",
            _label);
        registry.AddBeforeCollectCallback(Measure);
    }

    /// <summary>The reasons in words; null where it is ready.</summary>
    public string? Describe()
    {
        var (isSynced, isLate, hanging, unmatched) = Look();
        string[] reasons =
        [
            .. isSynced ? Array.Empty<string>() : ["waiting for the first lists"],
            .. isLate ? ["a change has waited for twice the sync period"] : Array.Empty<string>(),
            .. hanging.Count > 0 ? [$"what does not come to an end: {string.Join(", ", hanging)}"] : Array.Empty<string>(),
            .. unmatched.Count > 0 ? [$"--devices ({string.Join(", ", unmatched)}) names no device of this node; programs of before stay where they are"] : Array.Empty<string>(),
        ];
        return reasons.Length == 0 ? null : string.Join("; ", reasons);
    }

    private (bool IsSynced, bool IsLate, IReadOnlyList<string> Hanging, IReadOnlyList<string> Unmatched) Look()
    {
        var live = _health.Live();
        // A family that was never up to date is not among them.
        bool isLate = live.Hanging.Count == 0 ? !live.IsHealthy : live.Families.Any(family => !family.Value.IsHealthy);
        return (_firstSync.IsCompletedSuccessfully, isLate, live.Hanging, _unmatched());
    }

    private void Measure()
    {
        var (isSynced, isLate, hanging, unmatched) = Look();
        _gauge.WithLabels(FirstSync).Set(isSynced ? 0 : 1);
        _gauge.WithLabels(LateSync).Set(isLate ? 1 : 0);
        _gauge.WithLabels(Hanging).Set(hanging.Count > 0 ? 1 : 0);
        _gauge.WithLabels(Devices).Set(unmatched.Count > 0 ? 1 : 0);
    }
}
