using EbpfProxy.Controller.Cache;

namespace EbpfProxy.Controller.Tests.Cache;

/// <summary>A source that could not be read whole: what is not in it may be there all the same.</summary>
public sealed class KeptUnknownTests : IDisposable
{
    private readonly ClusterCache _cache = new(new NoListener());

    public void Dispose() => _cache.Dispose();

    [Fact]
    public void What_is_unknown_is_kept_until_everything_could_be_read()
    {
        _cache.KeepUnknown(true);
        _cache.ListServices(Sample.Service("web"));
        _cache.ListSlices();
        _cache.SetNode(null);
        Assert.False(_cache.Take(everything: true).IsComplete);

        _cache.KeepUnknown(false);

        var changes = _cache.Take(everything: false);
        Assert.True(changes.IsComplete);
        Assert.Single(changes.Services);
    }

    /// <summary>What was taken last may not have been applied: everything is wanted again then, and what went is part of it.</summary>
    [Fact]
    public void What_goes_while_the_unknown_is_kept_is_named_until_everything_could_be_read()
    {
        _cache.KeepUnknown(true);
        _cache.ListServices(Sample.Service("web"), Sample.Service("gone"), Sample.Service("back"));
        _cache.ListSlices();
        _cache.SetNode(null);
        _cache.Take(everything: true);
        _cache.RemoveService(Sample.Name("gone"));
        _cache.RemoveService(Sample.Name("back"));
        _cache.Take(everything: false);

        _cache.SetService(Sample.Service("back"));
        var again = _cache.Take(everything: true);

        Assert.False(again.IsComplete);
        Assert.Equal(["+back", "-gone", "+web"], again.Services.OrderBy(s => s.Name).Select(s => (s.Service is null ? "-" : "+") + s.Name.Name));
        _cache.KeepUnknown(false);
        Assert.Equal(["back", "web"], _cache.Take(everything: true).Services.Select(s => s.Name.Name).Order());
    }
}
