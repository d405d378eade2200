using System.Collections.Immutable;

namespace EbpfProxy.Model;

/// <summary>Equality by content, which <see cref="ImmutableArray{T}"/> lacks: two equal arrays of two objects differ.</summary>
internal static class ArrayEquality
{
    /// <summary>Whether both have equal items in the same order; an array that was never set is an empty one.</summary>
    public static bool HasSameItems<T>(this ImmutableArray<T> left, ImmutableArray<T> right)
        where T : IEquatable<T> =>
        left == right || left.AsSpan().SequenceEqual(right.AsSpan());

    /// <summary>A hash that equal arrays share.</summary>
    public static int HashOfFirst(this ImmutableArray<string> items) =>
        items.IsDefaultOrEmpty ? 0 : items[0].GetHashCode(StringComparison.Ordinal);
}
