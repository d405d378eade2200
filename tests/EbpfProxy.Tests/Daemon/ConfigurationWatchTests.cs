using EbpfProxy.Daemon;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Daemon;

public sealed class ConfigurationWatchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("watch-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>As a ConfigMap volume does it: the file is a link into a link, which is swapped.</summary>
    [Fact]
    public void Another_content_behind_the_links_ends_the_daemon_when_it_was_seen_twice()
    {
        Volume("1", "a");
        using var watch = Watch();

        Volume("2", "b");
        watch.Look();
        var error = Assert.Throws<InvalidOperationException>(watch.Look);

        Assert.Equal("content of the proxy server's configuration file was updated", error.Message);
    }

    [Fact]
    public void A_swap_a_touch_a_moment_without_the_file_and_a_half_written_one_mean_nothing()
    {
        Volume("1", "a");
        using var watch = Watch();

        Volume("2", "a");
        LookTwice();
        File.SetLastWriteTimeUtc(Path.Combine(_folder, "2", "config.conf"), DateTime.UnixEpoch);
        LookTwice();
        File.Delete(Path.Combine(_folder, "..data"));
        LookTwice();
        Volume("3", "half");
        watch.Look();
        Volume("4", "half, too");
        watch.Look();
        Volume("5", "a");
        LookTwice();

        void LookTwice()
        {
            watch.Look();
            watch.Look();
        }
    }

    private ConfigurationWatch Watch()
    {
        string path = Path.Combine(_folder, "config.conf");
        return new ConfigurationWatch(ReadFile.Of(path, File.ReadAllText(path)), TimeProvider.System);
    }

    private void Volume(string version, string content)
    {
        Directory.CreateDirectory(Path.Combine(_folder, version));
        File.WriteAllText(Path.Combine(_folder, version, "config.conf"), content);
        string link = Path.Combine(_folder, "..data");
        File.Delete(link);
        File.CreateSymbolicLink(link, version);
        if (!File.Exists(Path.Combine(_folder, "config.conf")))
        {
            File.Delete(Path.Combine(_folder, "config.conf"));
            File.CreateSymbolicLink(Path.Combine(_folder, "config.conf"), "..data/config.conf");
        }
    }
}
