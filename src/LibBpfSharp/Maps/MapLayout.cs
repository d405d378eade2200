namespace LibBpfSharp;

/// <summary>Checks, once, that a view fits the map that it is put on: a pin may be of another build.</summary>
internal static class MapLayout
{
    public static void Require(BpfMap map, ReadOnlySpan<BpfMapType> types, int keySize, int valueSize)
    {
        ArgumentNullException.ThrowIfNull(map);
        if (!types.Contains(map.Type))
        {
            throw new InvalidDataException($"map \"{map.Name}\" is of type {map.Type}, not {string.Join(" or ", types.ToArray())}: another version made it");
        }

        RequireSize(map, "keys", map.KeySize, keySize);
        RequireSize(map, "values", map.ValueSize, valueSize);
    }

    /// <summary>The distance between the elements of an array, or between the CPUs' values of one element.</summary>
    public static int Stride(int valueSize) => (valueSize + 7) & ~7;

    private static void RequireSize(BpfMap map, string what, uint actual, int expected)
    {
        if (actual != expected)
        {
            throw new InvalidDataException(
                $"map \"{map.Name}\" has {what} of {actual} bytes, but the type that stands for them has {expected}: another version made it");
        }
    }
}
