using System.Reflection;
using EbpfProxy.Commands;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Datapath;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Tests.Logging;

/// <summary>What is logged, all assemblies together.</summary>
public sealed class EventTests
{
    private static readonly Assembly[] _assemblies = [typeof(Cli).Assembly, typeof(ClusterCache).Assembly, typeof(ServiceDatapath).Assembly];

    [Fact]
    public void An_event_id_is_one_event()
    {
        var ids = _assemblies.SelectMany(assembly => assembly.GetTypes()).SelectMany(Events).Select(found => found.EventId).ToList();

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Distinct().Order(), ids.Order());
    }

    /// <summary>The generator of their code takes several classes in an order of chance, and no build would be like the one before.</summary>
    [Fact]
    public void The_events_of_an_assembly_stand_in_one_class() =>
        Assert.All(_assemblies, assembly => Assert.Single(assembly.GetTypes(), type => Events(type).Any()));

    private static IEnumerable<LoggerMessageAttribute> Events(Type type) =>
        type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>();
}
