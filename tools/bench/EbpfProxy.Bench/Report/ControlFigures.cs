using System.Globalization;

namespace EbpfProxy.Bench.Report;

/// <summary>What the bench of the control plane told: what, of which cluster, which time, figures.</summary>
internal sealed class ControlFigures
{
    private readonly ILookup<(string What, string Cluster), double[]> _rows;

    public ControlFigures(string path)
    {
        _rows = (File.Exists(path) ? File.ReadLines(path) : [])
            .Select(line => line.Split(','))
            .ToLookup(
                cells => (cells[0], cells[1]),
                cells => cells.Skip(3).Select(cell => double.Parse(cell, CultureInfo.InvariantCulture)).ToArray());
    }

    public bool Any => _rows.Count > 0;

    public int Count(string what, string cluster) => _rows[(what, cluster)].Count();

    /// <summary>A quantile of one of the figures, the median if it is not said.</summary>
    public double Of(string what, string cluster, int figure, double part = 0.5) =>
        Statistics.Quantile(_rows[(what, cluster)].Select(row => row[figure]), part);
}
