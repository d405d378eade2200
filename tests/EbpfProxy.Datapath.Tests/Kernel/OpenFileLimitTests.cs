using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Kernel;

public sealed class OpenFileLimitTests
{
    [Fact]
    public void As_many_are_allowed_as_may_be()
    {
        ulong hard = Limits()[1];
        Shell.Require("prlimit --pid \"$1\" --nofile=\"$2\":", $"{Environment.ProcessId}", $"{hard - 1}");
        Assert.Equal(hard - 1, Limits()[0]);

        Assert.Equal(hard, OpenFileLimit.Raise());

        Assert.Equal([hard, hard], Limits());
        Assert.Equal(hard, OpenFileLimit.Raise());
    }

    private static ulong[] Limits()
    {
        string line = File.ReadLines("/proc/self/limits").Single(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        return [.. line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(2).Select(ulong.Parse)];
    }
}
