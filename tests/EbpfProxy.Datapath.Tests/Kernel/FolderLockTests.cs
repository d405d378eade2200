using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Kernel;

public sealed class FolderLockTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lock").FullName;

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder);
        }
    }

    /// <summary>Who removes everything has the lock meanwhile; whoever waits for it would have that of a folder that nobody sees.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Lock_of_a_folder_that_was_removed_meanwhile_is_none(bool isMadeAnew)
    {
        var removing = FolderLock.Take(_folder);
        var starting = Task.Run(() => FolderLock.Take(_folder, TimeSpan.FromSeconds(60)), TestContext.Current.CancellationToken);
        Eventually.Holds(() => OpenDescriptors() == 2, TimeSpan.FromSeconds(20));

        Directory.Delete(_folder);
        if (isMadeAnew)
        {
            Directory.CreateDirectory(_folder);
        }

        removing.Dispose();

        var refused = await Assert.ThrowsAsync<IOException>(() => starting);
        Assert.Equal($"{_folder} was removed by another ebpf-proxy", refused.Message);
        Assert.Equal(0, OpenDescriptors());
    }

    [Fact]
    public void Folder_behind_a_link_is_as_good()
    {
        string link = _folder + "-link";
        Directory.CreateSymbolicLink(link, _folder);
        try
        {
            using var taken = FolderLock.Take(link);
            Assert.True(FolderLock.IsTaken(_folder));
        }
        finally
        {
            Directory.Delete(link);
        }
    }

    private int OpenDescriptors() => Directory.EnumerateFileSystemEntries("/proc/self/fd")
        .Count(file => new FileInfo(file).LinkTarget?.StartsWith(_folder, StringComparison.Ordinal) == true);

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
