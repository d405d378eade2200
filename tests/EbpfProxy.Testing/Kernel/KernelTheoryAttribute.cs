using System.Runtime.CompilerServices;
using Xunit;
using Xunit.v3;

namespace EbpfProxy.Testing.Kernel;

/// <summary>A <see cref="KernelFactAttribute"/> with rows.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KernelTheoryAttribute : TheoryAttribute, ITraitAttribute
{
    public KernelTheoryAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Skip = Root.ReasonToSkip;
    }

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => Root.Traits;
}
