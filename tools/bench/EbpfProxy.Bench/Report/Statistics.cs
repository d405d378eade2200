namespace EbpfProxy.Bench.Report;

internal static class Statistics
{
    /// <summary>The value that a part of the others is below; NaN of nothing.</summary>
    public static double Quantile(IEnumerable<double> values, double part)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[Math.Min((int)(sorted.Length * part), sorted.Length - 1)];
    }
}
