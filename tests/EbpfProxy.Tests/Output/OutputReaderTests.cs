using System.Diagnostics;
using System.IO.Pipes;
using EbpfProxy.Commands;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Tests.Output;

/// <summary>What goes on ends when nobody reads it, as behind `| head`.</summary>
public sealed class OutputReaderTests : IDisposable
{
    private readonly AnonymousPipeServerStream _pipe = new(PipeDirection.Out);

    public void Dispose() => _pipe.Dispose();

    [Fact]
    public async Task Watch_ends_when_the_other_end_of_its_pipe_is_closed()
    {
        var list = new ListCommand<TableFill, MapJson>("maps", "")
        {
            Columns = [new("MAP", fill => fill.Table)],
            Key = fill => fill.Table,
            ToJson = MapJson.From,
            ListType = ListJsonContext.Readable.IReadOnlyListMapJson,
            RowType = ListJsonContext.Readable.MapJson,
        };
        await using var output = new StreamWriter(_pipe, leaveOpen: true);
        var watch = new ListWatch<TableFill, MapJson>(list, OutputForm.Text, output, () => Terminal.None);
        int rounds = 0;

        int code = await watch.RunAsync(
            () =>
            {
                if (++rounds == 2)
                {
                    _pipe.DisposeLocalCopyOfClientHandle();
                }

                return [];
            },
            Reader(),
            TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal((0, 2), (code, rounds));
    }

    [Fact]
    public async Task Long_wait_is_over_when_nobody_reads_any_more()
    {
        Assert.True(await Reader().WaitAsync(TimeSpan.FromMilliseconds(1), TestContext.Current.CancellationToken));
        _pipe.DisposeLocalCopyOfClientHandle();
        var clock = Stopwatch.StartNew();

        Assert.False(await Reader().WaitAsync(TimeSpan.FromHours(1), TestContext.Current.CancellationToken));

        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void File_has_a_reader_always()
    {
        using var file = File.OpenWrite("/dev/null");

        Assert.False(new OutputReader((int)file.SafeFileHandle.DangerousGetHandle()).IsGone);
        Assert.False(OutputReader.Of(TextWriter.Null).IsGone);
    }

    private OutputReader Reader() => new((int)_pipe.SafePipeHandle.DangerousGetHandle());
}
