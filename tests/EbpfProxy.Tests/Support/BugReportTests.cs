using EbpfProxy.Commands;
using EbpfProxy.Support;

namespace EbpfProxy.Tests.Support;

public sealed class BugReportTests
{
    [Fact]
    public async Task What_cannot_be_had_is_named()
    {
        using var output = new MemoryStream();
        using var report = new BugReport(output, new SecretScrubber([]), DateTimeOffset.UnixEpoch);

        await report.AddAsync("kernel.txt", () => Task.FromResult("Linux"));
        await report.AddAsync("metrics.txt", () => throw new IOException("nobody\nanswers"));

        Assert.Equal(["metrics.txt: nobody answers"], report.Missing);
    }

    [Fact]
    public void Archive_is_its_owners_alone()
    {
        var folder = Directory.CreateTempSubdirectory("ebpf-proxy-bugreport-");
        string path = Path.Combine(folder.FullName, "report.tar.gz");
        BugreportCommand.CreateFile(path).Dispose();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        folder.Delete(recursive: true);
    }
}
