using EbpfProxy.Datapath.Kernel;

namespace EbpfProxy.Output;

/// <summary>Who reads what a command writes that goes on: when that is nobody any more, it ends.</summary>
/// <param name="descriptor">What it writes to; -1 where somebody always reads.</param>
internal sealed class OutputReader(int descriptor)
{
    private const int StandardOutput = 1;

    private static readonly TimeSpan _step = TimeSpan.FromSeconds(1);

    public static OutputReader Of(TextWriter output) => new(output == Console.Out ? StandardOutput : -1);

    public bool IsGone => OtherEnd.IsGone(descriptor);

    /// <summary>Waits for so long; false as soon as nobody reads.</summary>
    public async Task<bool> WaitAsync(TimeSpan time, CancellationToken token)
    {
        for (var left = time; left > TimeSpan.Zero && !IsGone; left -= _step)
        {
            await Task.Delay(left < _step ? left : _step, token);
        }

        return !IsGone;
    }
}
