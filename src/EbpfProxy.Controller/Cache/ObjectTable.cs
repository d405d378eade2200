using System.Diagnostics.CodeAnalysis;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Cache;

/// <summary>
/// Objects by name, each with the number of the list that it was last seen in: what a complete list did not bring is
/// found without a second set of names. Not thread-safe.
/// </summary>
internal sealed class ObjectTable<T>
    where T : class
{
    private readonly Dictionary<ObjectName, Entry> _entries = [];
    private int _list;

    public IEnumerable<KeyValuePair<ObjectName, T>> Objects =>
        _entries.Select(e => KeyValuePair.Create(e.Key, e.Value.Object));

    public bool Contains(ObjectName name) => _entries.ContainsKey(name);

    public bool TryGet(ObjectName name, [NotNullWhen(true)] out T? value)
    {
        bool isFound = _entries.TryGetValue(name, out var entry);
        value = entry.Object;
        return isFound;
    }

    /// <summary>Puts the object, and notes that it was seen in the list under way.</summary>
    public void Set(ObjectName name, T value) => _entries[name] = new Entry(value, _list);

    public bool Remove(ObjectName name, [NotNullWhen(true)] out T? previous)
    {
        bool isFound = _entries.Remove(name, out var entry);
        previous = entry.Object;
        return isFound;
    }

    /// <summary>Starts a list and returns its number.</summary>
    public int BeginList() => ++_list;

    /// <summary>The names that were not set since the list began.</summary>
    public IReadOnlyList<ObjectName> NotSeenSince(int list) =>
        [.. _entries.Where(e => e.Value.List < list).Select(e => e.Key)];

    private readonly record struct Entry(T Object, int List);
}
