namespace LibBpfSharp;

/// <summary>The running kernel lacks what an operation needs.</summary>
public sealed class BpfNotSupportedException : BpfException
{
    /// <summary>Describes an operation that this kernel cannot do.</summary>
    /// <param name="feature">What is missing, for example <c>tcx links</c>.</param>
    /// <param name="minimumKernel">The first kernel that has it, for example <c>6.6</c>.</param>
    /// <param name="operation">What was tried.</param>
    /// <param name="objectName">The name of the map, program, link or object.</param>
    /// <param name="errno">The error number that the kernel answered, positive.</param>
    /// <param name="target">Where to, with its preposition, if the operation has a target.</param>
    public BpfNotSupportedException(
        string feature, string minimumKernel, string operation, string objectName, int errno, string? target = null)
        : base(operation, objectName, errno, target, $"this kernel lacks {feature} (Linux {minimumKernel} and later have it)")
    {
        Feature = feature;
        MinimumKernel = minimumKernel;
    }

    /// <summary>What is missing.</summary>
    public string Feature { get; }

    /// <summary>The first kernel that has it.</summary>
    public string MinimumKernel { get; }
}
