using System.Text.Json.Serialization.Metadata;
using EbpfProxy.Output;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Tests.Output;

/// <summary>The names in what commands write with `-o json` and `yaml`: the same thing has the same name everywhere.</summary>
public sealed class JsonNamesTests
{
    private static readonly Type[] _outputs =
    [
        typeof(IReadOnlyList<ServiceJson>), typeof(IReadOnlyList<ServiceDetailJson>), typeof(IReadOnlyList<BackendJson>), typeof(IReadOnlyList<ConnectionJson>),
        typeof(IReadOnlyList<AffinityJson>), typeof(IReadOnlyList<SocketJson>), typeof(IReadOnlyList<TrafficJson>), typeof(FlowEventJson),
        typeof(IReadOnlyList<MapJson>), typeof(ExplanationJson), typeof(IReadOnlyList<CheckJson>), typeof(StatusJson),
    ];

    private static readonly List<(string Owner, string Name, string Kind)> _names = [.. _outputs.SelectMany(type => NamesOf(type, [])).Distinct()];

    [Fact]
    public void A_name_stands_for_one_kind_of_value()
    {
        var torn = _names.GroupBy(name => name.Name).Where(group => group.Select(name => name.Kind).Distinct().Count() > 1);

        Assert.Empty(torn.Select(group => string.Join(", ", group.Select(name => $"{name.Owner}.{name.Name}: {name.Kind}"))));
    }

    [Fact]
    public void Names_are_in_camel_case_as_those_of_Kubernetes()
    {
        Assert.NotEmpty(_names);
        Assert.All(_names, name => Assert.Matches("^[a-z][A-Za-z]*$", name.Name));
    }

    [Fact]
    public void Times_spans_and_rates_say_so()
    {
        Assert.All(_names.Where(name => name.Kind == "time" && name.Name != "time"), name => Assert.EndsWith("Time", name.Name, StringComparison.Ordinal));
        Assert.DoesNotContain(_names, name => name.Name.Contains("seconds", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_of_a_service_says_of_which_in_one_way()
    {
        Type[] rows = [typeof(ServiceJson), typeof(ServiceDetailJson), typeof(BackendJson), typeof(ConnectionJson), typeof(AffinityJson), typeof(SocketJson), typeof(TrafficJson), typeof(FlowEventJson), typeof(ExplanationJson)];

        string[] way = ["namespace", "service", "portName", "protocol"];

        Assert.All(rows, type => Assert.Equal(way, way.Intersect(_names.Where(name => name.Owner == type.Name).Select(name => name.Name))));
    }

    /// <summary>Its reader has each name in it.</summary>
    [Fact]
    public void The_document_has_every_name()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Path!, "docs", "output.md"));

        Assert.All(_names, name => Assert.Contains($"`{name.Name}`", text, StringComparison.Ordinal));
    }

    private static IEnumerable<(string Owner, string Name, string Kind)> NamesOf(Type type, HashSet<Type> seen)
    {
        if (!seen.Add(type))
        {
            yield break;
        }

        var info = ListJsonContext.Readable.GetTypeInfo(type) ?? throw new InvalidOperationException($"{type} is never written");
        foreach (var name in info.ElementType is { } element ? NamesOf(element, seen) : [])
        {
            yield return name;
        }

        foreach (var property in info.Properties)
        {
            yield return (type.Name, property.Name, KindOf(property.PropertyType));
            foreach (var name in NamesOf(property.PropertyType, seen))
            {
                yield return name;
            }
        }
    }

    private static string KindOf(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) ? "text"
            : type == typeof(bool) ? "truth"
            : type == typeof(DateTimeOffset) ? "time"
            : type.IsPrimitive ? "number"
            : ListJsonContext.Readable.GetTypeInfo(type)?.Kind == JsonTypeInfoKind.Enumerable ? "list" : "object";
    }
}
