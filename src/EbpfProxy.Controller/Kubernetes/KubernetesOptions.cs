namespace EbpfProxy.Controller.Kubernetes;

/// <summary>How the API server is reached. What kube-proxy's clientConnection says, and our own.</summary>
public sealed record KubernetesOptions
{
    /// <summary>The name of this node, as its Node object has it.</summary>
    public required string NodeName { get; init; }

    /// <summary>The path of a kubeconfig; without it, and without <see cref="Masters"/>, the pod's service account is used.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>API servers, tried in turn; they take the place of the kubeconfig's server.</summary>
    public IReadOnlyList<Uri> Masters { get; init; } = [];

    /// <summary>Requests a second; 0 or less for no limit.</summary>
    public double Qps { get; init; } = 5;

    public int Burst { get; init; } = 10;

    /// <summary>Where the API servers' addresses are kept for the next start; null to keep none.</summary>
    public string? StateFile { get; init; }

    /// <summary>Where a pod finds its service account's token and ca.crt.</summary>
    public string ServiceAccountFolder { get; init; } = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>The API server that a pod's environment names; null where it names none.</summary>
    public Uri? InClusterServer { get; init; } = ServerFromEnvironment();

    /// <summary>
    /// Whether <see cref="InClusterServer"/> is the cluster IP of the Service `kubernetes`, which leads nowhere on a node whose
    /// services nobody serves yet.
    /// </summary>
    public bool IsInClusterServerAService { get; init; } = IsService(
        Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST"), Environment.GetEnvironmentVariable("KUBERNETES_PORT"));

    /// <summary>Whether nothing but this node is followed.</summary>
    public bool FollowsOnlyNode { get; init; }

    /// <summary>Whether a server may be asked to stream the first list (sendInitialEvents).</summary>
    public bool StreamsLists { get; init; } = true;

    /// <summary>Whether external IPs are a Service's own (Kubernetes' gate AllowServiceExternalIPs).</summary>
    public bool ReadsExternalIPs { get; init; } = true;

    /// <summary>The kubelet names the Service in both; who says another server says it in the first alone.</summary>
    /// <param name="host">KUBERNETES_SERVICE_HOST.</param>
    /// <param name="url">KUBERNETES_PORT, as in tcp://10.96.0.1:443 or tcp://[fd00::1]:443.</param>
    internal static bool IsService(string? host, string? url) =>
        !string.IsNullOrEmpty(host) && Uri.TryCreate(url, UriKind.Absolute, out var service) && service.IdnHost.Equals(host, StringComparison.OrdinalIgnoreCase);

    private static Uri? ServerFromEnvironment()
    {
        string? host = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST");
        string? port = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT");
        if (string.IsNullOrEmpty(host) || !int.TryParse(port, out int number))
        {
            return null;
        }

        return new UriBuilder(Uri.UriSchemeHttps, host, number).Uri;
    }
}
