using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Events;

/// <summary>An event as Kubernetes has them (events.k8s.io/v1): what happened to an object, for who looks at the cluster.</summary>
/// <param name="IsWarning">Whether somebody should look at it.</param>
/// <param name="Reason">Why, in one word that is matched.</param>
/// <param name="Action">What was done, in one word.</param>
/// <param name="Note">What happened, for people.</param>
/// <param name="Kind">The kind of the object: Node or Service.</param>
/// <param name="Regarding">The object; a Node has no namespace.</param>
public sealed record ClusterEvent(bool IsWarning, string Reason, string Action, string Note, string Kind, ObjectName Regarding)
{
    private const string StartAction = "StartKubeProxy";
    private const string TakeoverAction = "TakeOver";

    public static ClusterEvent Starting(string node) => OfNode(node, isWarning: false, "Starting", "");

    /// <param name="node">This node.</param>
    /// <param name="error">Why the health address cannot be had.</param>
    public static ClusterEvent HealthFailed(string node, string error) =>
        OfNode(node, isWarning: true, "FailedToStartProxierHealthcheck", error);

    /// <param name="node">This node.</param>
    /// <param name="error">Why the metrics address cannot be had.</param>
    public static ClusterEvent MetricsFailed(string node, string error) =>
        OfNode(node, isWarning: true, "FailedToStartMetricServer", error);

    /// <param name="node">This node.</param>
    /// <param name="service">Whose healthCheckNodePort it is.</param>
    /// <param name="port">The port.</param>
    /// <param name="error">Why it cannot be had.</param>
    public static ClusterEvent ServiceHealthFailed(string node, ObjectName service, ushort port, string error) => new(
        IsWarning: true,
        "FailedToStartServiceHealthcheck",
        "Listen",
        $"node {node} failed to start healthcheck \"{service}\" on port {port}: {error}",
        "Service",
        service);

    /// <param name="node">This node.</param>
    /// <param name="reason">Why kube-proxy's rules stay.</param>
    public static ClusterEvent KubeProxyRuns(string node, string reason) =>
        OfNode(node, isWarning: true, "KubeProxyStillRuns", $"kube-proxy's rules stay on this node: {reason}", TakeoverAction);

    /// <param name="node">This node.</param>
    /// <param name="removed">What of kube-proxy's was removed, in words.</param>
    public static ClusterEvent TookOver(string node, string removed) =>
        OfNode(node, isWarning: false, "TookOverFromKubeProxy", $"Removed {removed}", TakeoverAction);

    private static ClusterEvent OfNode(string node, bool isWarning, string reason, string note, string action = StartAction) =>
        new(isWarning, reason, action, note, "Node", new ObjectName("", node));
}
