using System.Diagnostics;
using System.Runtime.CompilerServices;

[assembly: DisableRuntimeMarshalling]

namespace LibBpfSharp;

/// <summary>The C type of a generated field or parameter; present in debug builds only.</summary>
[Conditional("DEBUG")]
[AttributeUsage(AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter | AttributeTargets.ReturnValue)]
internal sealed class NativeTypeNameAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}
