namespace EbpfProxy.Bench.Report;

internal static class ReportWriter { public static void Write(string results, string folder) => Console.WriteLine(results + folder); }
