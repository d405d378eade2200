namespace LibBpfSharp;

/// <summary>How kernels answer to batches.</summary>
internal static class BatchSupport
{
    /// <summary>Whether maps of this type have no such batch operation: tries before 5.12, arrays of maps before 5.13.</summary>
    public static bool IsMissing(int result) => result is -LibC.ENOTSUPP or -LibC.EOPNOTSUPP;

    /// <summary>How many elements were done before an error. The kernel leaves the count as it was if it failed before the first.</summary>
    public static int Completed(uint count, int requested) => count < requested ? (int)count : 0;
}
