using System.Globalization;
using System.Runtime.InteropServices;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>What dashboards for Kubernetes' own programs ask of a process, where the library has other names for it.</summary>
internal sealed class ProcessMetrics
{
    private static readonly string[] _buildLabels = ["version"];
    private static readonly string[] _kubernetesBuildLabels =
        ["major", "minor", "git_version", "git_commit", "git_tree_state", "build_date", "go_version", "compiler", "platform"];

    private static readonly string[] _featureLabels = ["name", "stage"];

    /// <summary>The gates of Kubernetes that say something of this proxy, as they are in 1.36; one that cannot be switched any more has no stage.</summary>
    private static readonly (string Name, string Stage, bool IsOn)[] _features =
    [
        ("AllowServiceExternalIPs", "", true),
        ("ComponentFlagz", "BETA", true),
        ("ComponentStatusz", "BETA", true),
        ("MultiCIDRServiceAllocator", "", true),
        ("NativeHistograms", "ALPHA", false),
        ("PreferSameTrafficDistribution", "", true),
    ];

    private readonly Gauge _resident;
    private readonly Gauge _files;

    public ProcessMetrics(CollectorRegistry registry, string version, IReadOnlyDictionary<string, bool> gates)
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
        var enabled = metrics.CreateGauge(
            "kubernetes_feature_enabled", "Whether what Kubernetes has behind a feature gate is done here, too", _featureLabels);
        foreach (var (name, stage, isOn) in _features)
        {
            enabled.WithLabels(name, stage).Set(gates.GetValueOrDefault(name, isOn) ? 1 : 0);
        }

        _resident = metrics.CreateGauge("process_resident_memory_bytes", "Resident memory size in bytes.");
        _files = metrics.CreateGauge("process_open_fds", "Open files and sockets; near process_max_fds no health check is answered any more");
        metrics.CreateGauge("process_max_fds", "How many files and sockets may be open").Set(MaxFiles());
        registry.AddBeforeCollectCallback(Read);
    }

    /// <summary>The soft limit that was given; the runtime has raised it to the hard one.</summary>
    private static double MaxFiles()
    {
        string line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        string soft = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return double.TryParse(soft, CultureInfo.InvariantCulture, out double limit) ? limit : double.PositiveInfinity;
    }

    private void Read()
    {
        _resident.Set(Environment.WorkingSet);
        _files.Set(Directory.EnumerateFileSystemEntries("/proc/self/fd").Count());
    }
}
