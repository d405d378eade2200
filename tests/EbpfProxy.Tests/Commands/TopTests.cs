using System.Globalization;
using EbpfProxy.Commands;
using EbpfProxy.Output;

namespace EbpfProxy.Tests.Commands;

public sealed class TopTests
{
    /// <summary>Without a mark between them the services of two rounds would read as one list.</summary>
    [Fact]
    public void Rounds_of_yaml_are_a_document_each()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        TopCommand.Write(output, Terminal.None, OutputForm.Yaml, [], isFirst: true);
        TopCommand.Write(output, Terminal.None, OutputForm.Yaml, [], isFirst: false);

        Assert.Equal("[]\n---\n[]\n", output.ToString());
    }
}
