using System.Globalization;

namespace LibBpfSharp;

/// <summary>A program attached by clsact.</summary>
/// <param name="InterfaceIndex">The device.</param>
/// <param name="Direction">Which packets.</param>
/// <param name="Handle">The filter's handle.</param>
/// <param name="Priority">The filter's priority; a lower number runs earlier.</param>
/// <param name="ProgramId">The kernel's id of the program.</param>
public sealed record TrafficControlFilter(int InterfaceIndex, TrafficDirection Direction, uint Handle, uint Priority, uint ProgramId)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Direction} handle {Handle} priority {Priority}");
}

/// <summary>Where to attach by clsact.</summary>
public sealed record TrafficControlAttachOptions
{
    /// <summary>The device.</summary>
    public required int InterfaceIndex { get; init; }

    /// <summary>Which packets.</summary>
    public required TrafficDirection Direction { get; init; }

    /// <summary>The filter's handle; 0 lets the kernel choose.</summary>
    public uint Handle { get; init; }

    /// <summary>The filter's priority, a lower number runs earlier; 0 lets the kernel choose.</summary>
    public uint Priority { get; init; }

    /// <summary>Whether to take the place of the filter with this handle and priority, if there is one, without a gap.</summary>
    public bool Replace { get; init; }
}
