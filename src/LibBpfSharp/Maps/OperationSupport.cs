namespace LibBpfSharp;

/// <summary>How kernels answer to operations that they may not have.</summary>
internal static class OperationSupport
{
    /// <summary>
    /// Whether maps of this type have no such operation: batches of tries before 5.12, of arrays of maps before 5.13; taking from a
    /// hash table before 5.14.
    /// </summary>
    public static bool IsMissing(int result) => result is -LibC.ENOTSUPP or -LibC.EOPNOTSUPP;

    /// <summary>How many elements of a batch were done before an error. The kernel leaves the count as it was if it failed before the first.</summary>
    public static int Completed(uint count, int requested) => count < requested ? (int)count : 0;
}
