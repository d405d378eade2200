using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Kernel;

public sealed class FolderLockTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lock").FullName;

    public void Dispose() => Directory.Delete(_folder);

    [Fact]
    public async Task Look_at_the_lock_keeps_nobody_from_taking_it()
    {
        int looking = Libc.Open(_folder, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        Assert.Equal(0, Libc.Lock(looking, Libc.LockShared));
        Assert.False(FolderLock.IsTaken(_folder));

        var starting = Task.Run(() => FolderLock.Take(_folder), TestContext.Current.CancellationToken);
        Assert.Equal(0, Libc.Close(looking));

        using var taken = await starting;
        Assert.True(FolderLock.IsTaken(_folder));
    }

    [Fact]
    public void Lock_that_is_taken_stays_with_who_has_it()
    {
        using (FolderLock.Take(_folder))
        {
            Assert.Throws<IOException>(() => FolderLock.Take(_folder));
        }

        // A process that another test is about to start has the descriptor too, until it is another program.
        Eventually.Holds(() => !FolderLock.IsTaken(_folder), TimeSpan.FromSeconds(20));
    }
}
