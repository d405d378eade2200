using EbpfProxy.Datapath;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Tells what each program costs, read when it is asked for.</summary>
internal sealed class ProgramMetrics
{
    private static readonly string[] _label = ["program"];

    private readonly Counter _runs;
    private readonly Counter _seconds;
    private readonly ServiceDatapath _datapath;
    private readonly ILogger _logger;

    public ProgramMetrics(IMetricFactory metrics, CollectorRegistry registry, ServiceDatapath datapath, ILogger logger)
    {
        _datapath = datapath;
        _logger = logger;
        _runs = metrics.CreateCounter(
            "ebpf_proxy_program_runs_total",
            "Runs of a program at the kernel's hooks. The kernel measures while the sysctl kernel.bpf_stats_enabled is 1, which makes every run a little slower; else this stands still",
            _label);
        _seconds = metrics.CreateCounter(
            "ebpf_proxy_program_run_seconds_total",
            "Time that runs of a program took, measured while the sysctl kernel.bpf_stats_enabled is 1. Divided by ebpf_proxy_program_runs_total it is what the proxy adds to a connection or a packet",
            _label);
        registry.AddBeforeCollectCallback(Read);
    }

    private void Read()
    {
        try
        {
            foreach (var run in _datapath.ReadProgramRuns())
            {
                _runs.WithLabels(run.Program).IncTo(run.Count);
                _seconds.WithLabels(run.Program).IncTo(run.Time.TotalSeconds);
            }
        }
        catch (IOException e)
        {
            Log.CountersUnreadable(_logger, e);
        }
    }
}
