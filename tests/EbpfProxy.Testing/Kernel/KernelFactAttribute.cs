using System.Runtime.CompilerServices;
using Xunit;
using Xunit.v3;

namespace EbpfProxy.Testing.Kernel;

/// <summary>
/// A test that talks to the real kernel and so needs root. Without root it is skipped, except where <c>CI</c> is true: there it
/// runs and fails. <c>--filter Category!=Kernel</c> leaves such tests out.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KernelFactAttribute : FactAttribute, ITraitAttribute
{
    public KernelFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Skip = Root.ReasonToSkip;
    }

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => Root.Traits;
}
