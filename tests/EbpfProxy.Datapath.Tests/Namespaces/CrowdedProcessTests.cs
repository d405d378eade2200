using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Namespaces;

namespace EbpfProxy.Datapath.Tests.Namespaces;

/// <summary>The process may open no more files.</summary>
[Collection(typeof(AloneInTheProcess))]
public sealed class CrowdedProcessTests
{
    private const int OpenFiles = 7; // RLIMIT_NOFILE

    [Fact]
    public void Cookie_that_cannot_be_asked_for_is_a_failure_that_callers_know()
    {
        // The first call opens what the runtime needs once.
        NetworkNamespaces.ReadCookie();
        Span<ulong> limit = stackalloc ulong[2];
        Assert.Equal(0, Libc.GetLimit(OpenFiles, limit));
        Exception? failure = null;
        Assert.Equal(0, Libc.SetLimit(OpenFiles, [0, limit[1]]));
        try
        {
            NetworkNamespaces.ReadCookie();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            failure = e;
        }
        finally
        {
            Assert.Equal(0, Libc.SetLimit(OpenFiles, limit));
        }

        Assert.Contains("Too many open files", Assert.IsType<IOException>(failure).Message, StringComparison.Ordinal);
    }
}
