using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Kernel;

public sealed class GracePeriodsTests
{
    private const int Waiting = 8;
    private const int Rounds = 25;

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    /// <summary>Each waits for a period of its own: whose is over must not sleep on because another was woken.</summary>
    [KernelFact]
    public async Task All_who_wait_at_once_go_on_when_their_periods_are_over()
    {
        using var gracePeriods = new GracePeriods();

        var waiting = Enumerable.Range(0, Waiting)
            .Select(_ => Task.Factory.StartNew(Wait, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))
            .ToArray();

        await Task.WhenAll(waiting).WaitAsync(_deadline, TestContext.Current.CancellationToken);

        void Wait()
        {
            for (int round = 0; round < Rounds; round++)
            {
                long ticket = gracePeriods.Request();
                gracePeriods.Wait(ticket);
                Assert.True(gracePeriods.IsOver(ticket));
            }
        }
    }
}
