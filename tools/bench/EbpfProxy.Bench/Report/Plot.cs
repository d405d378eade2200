using System.Globalization;
using System.Text;

namespace EbpfProxy.Bench.Report;

/// <summary>Bars of ratios to the bare node, with the middle half of the rounds as a line over each, as SVG.</summary>
internal static class Plot
{
    private const int Left = 350;
    private const int Width = 400;
    private const int RowHeight = 24;

    public static string Draw(IReadOnlyList<Measurement> groups)
    {
        int height = groups.Sum(g => 44 + (g.Ratios.Count * RowHeight)) + 40;
        var svg = new StringBuilder();
        Add(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Left + Width + 90} {height}" font-family="sans-serif" font-size="13">""");
        Add(svg, $"""<rect width="100%" height="100%" fill="white"/>""");
        int y = 10;
        foreach (var group in groups)
        {
            Add(svg, $"""<text x="10" y="{y + 18}" font-weight="bold">{group.Title}</text>""");
            y += 30;
            foreach (var ratio in group.Ratios)
            {
                DrawBar(svg, ratio, y);
                y += RowHeight;
            }

            y += 14;
        }

        Add(svg, $"""<line x1="{X(1):0}" y1="30" x2="{X(1):0}" y2="{y - 10}" stroke="#444" stroke-dasharray="4 3"/>""");
        Add(svg, $"""<text x="{X(1):0}" y="{y + 10}" text-anchor="middle" fill="#444">bare node = 1</text>""");
        return svg.Append("</svg>\n").ToString();
    }

    private static void DrawBar(StringBuilder svg, Ratio ratio, int y)
    {
        string colour = ratio.Variant.Split('-')[0] switch
        {
            "nftables" => "#d08a3c",
            "iptables" => "#b0603c",
            "bare" => "#aaa",
            _ => "#3c78b4",
        };
        Add(svg, $"""<text x="{Left - 8}" y="{y + 14}" text-anchor="end">{VariantNames.Of(ratio.Variant)}</text>""");
        Add(svg, $"""<rect x="{Left}" y="{y + 3}" width="{X(ratio.Median) - Left:0.0}" height="16" fill="{colour}"/>""");
        Add(svg, $"""<line x1="{X(ratio.Low):0.0}" y1="{y + 11}" x2="{X(ratio.High):0.0}" y2="{y + 11}" stroke="black"/>""");
        Add(svg, $"""<text x="{Left + Width + 40}" y="{y + 15}">{ratio.Median:0.000}</text>""");
    }

    private static double X(double ratio) => Left + (Math.Min(ratio, 1.1) / 1.1 * Width);

    private static void Add(StringBuilder svg, FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
