namespace LibBpfSharp;

/// <summary>A batch stopped in the middle: the first <see cref="Completed"/> elements are done, the rest are not.</summary>
public sealed class BpfBatchException : BpfException
{
    internal BpfBatchException(string operation, string objectName, int errno, int completed, int total)
        : base(operation, objectName, errno, $"at element {completed} of {total}")
    {
        Completed = completed;
    }

    /// <summary>How many elements, counted from the first, were done.</summary>
    public int Completed { get; }
}
