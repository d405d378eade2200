using EbpfProxy.Bench.Control;
using EbpfProxy.Bench.Report;

switch (args)
{
    case ["control", var folder, var cgroup, var starts, var changes]:
        ControlBench.Run(new DaemonPlace(".artifacts/ebpf-proxy", folder, cgroup), int.Parse(starts, null), int.Parse(changes, null));
        return 0;
    case ["report", var results, var folder]:
        ReportWriter.Write(results, folder);
        return 0;
    default:
        Console.Error.WriteLine("usage: EbpfProxy.Bench control FOLDER CGROUP STARTS CHANGES | report RESULTS FOLDER");
        return 2;
}
