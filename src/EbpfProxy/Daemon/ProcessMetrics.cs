using System.Runtime.InteropServices;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>What dashboards for Kubernetes' own programs ask of a process, where the library has other names for it.</summary>
internal sealed class ProcessMetrics
{
    private static readonly string[] _buildLabels = ["version"];
    private static readonly string[] _kubernetesBuildLabels =
        ["major", "minor", "git_version", "git_commit", "git_tree_state", "build_date", "go_version", "compiler", "platform"];

    private readonly Gauge _resident;
    private readonly Gauge _files;

    public ProcessMetrics(CollectorRegistry registry, string version)
    {
        var metrics = Metrics.WithCustomRegistry(registry);
        metrics.CreateGauge("ebpf_proxy_build_info", "The version that runs; always 1", _buildLabels).WithLabels(version).Set(1);

        // This is no build of Kubernetes: the version is our own, and what only a Go build has is empty.
        string[] numbers = version.Split('.', '+', '-');
        metrics.CreateGauge("kubernetes_build_info", "The version that runs, as Kubernetes' programs tell theirs; always 1", _kubernetesBuildLabels)
            .WithLabels(
                numbers[0], numbers.Length > 1 ? numbers[1] : "", $"v{version}", "", "", "", "",
                $".NET {Environment.Version.ToString(2)}",
                $"linux/{(RuntimeInformation.ProcessArchitecture == Architecture.X64 ? "amd64" : RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant())}")
            .Set(1);
        _resident = metrics.CreateGauge("process_resident_memory_bytes", "Resident memory size in bytes.");
        _files = metrics.CreateGauge("process_open_fds", "Number of open file descriptors.");
        registry.AddBeforeCollectCallback(Read);
    }

    private void Read()
    {
        _resident.Set(Environment.WorkingSet);
        _files.Set(Directory.EnumerateFileSystemEntries("/proc/self/fd").Count());
    }
}
