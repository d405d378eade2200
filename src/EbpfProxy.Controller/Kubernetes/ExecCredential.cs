using k8s;
using k8s.KubeConfigModels;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>What an exec plugin gave, in PEM where it is a certificate.</summary>
internal sealed record ExecSecrets(string? Token, string? Certificate, string? CertificateKey, DateTimeOffset? Expires);

/// <summary>Runs the exec plugin of a kubeconfig, and again when what it gave has expired or was refused.</summary>
internal sealed class ExecCredential(ExternalExecution plugin, TimeProvider time)
{
    private static readonly TimeSpan _margin = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private Task<ExecSecrets>? _run;

    public Task<ExecSecrets> GetAsync(CancellationToken token)
    {
        lock (_lock)
        {
            if (_run is null || (_run.IsCompleted && !IsGood(_run)))
            {
                _run = Task.Run(Run, CancellationToken.None);
            }

            return _run.WaitAsync(token);
        }
    }

    /// <summary>The server did not take what the plugin gave.</summary>
    public void Refuse()
    {
        lock (_lock)
        {
            _run = null;
        }
    }

    private bool IsGood(Task<ExecSecrets> run) =>
        run.IsCompletedSuccessfully && !(run.Result.Expires - _margin < time.GetUtcNow());

    private ExecSecrets Run()
    {
        try
        {
            var status = KubernetesClientConfiguration.ExecuteExternalCommand(plugin).Status;
            return new ExecSecrets(
                status.Token,
                status.ClientCertificateData,
                status.ClientKeyData,
                status.ExpirationTimestamp is { } expires ? new DateTimeOffset(expires.ToUniversalTime()) : null);
        }
        catch (Exception error)
        {
            // A foreign program and its output: whatever goes wrong is the same to us, and is tried again.
            throw new IOException($"the exec plugin {plugin.Command} failed: {error.Message}", error);
        }
    }
}
