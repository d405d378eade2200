namespace LibBpfSharp;

/// <summary>Which way packets go through a device.</summary>
public enum TrafficDirection
{
    /// <summary>They come in to the machine, or out of a container for the device on the node's side.</summary>
    Ingress,

    /// <summary>They leave through the device.</summary>
    Egress,
}

/// <summary>Where among the tcx programs of a device.</summary>
public enum TcxPosition
{
    /// <summary>After all that are there.</summary>
    Last,

    /// <summary>Before all that are there.</summary>
    First,
}

/// <summary>How packets reach an XDP program.</summary>
public enum XdpMode
{
    /// <summary>In the driver if it can, else as <see cref="Generic"/>.</summary>
    Default = 0,

    /// <summary>In the network stack, on any device; slower.</summary>
    Generic = 1 << 1,

    /// <summary>In the driver.</summary>
    Native = 1 << 2,

    /// <summary>In the network card.</summary>
    Offload = 1 << 3,
}

/// <summary>Where to attach by tcx.</summary>
public sealed record TcxAttachOptions
{
    /// <summary>The device.</summary>
    public required int InterfaceIndex { get; init; }

    /// <summary>Which packets.</summary>
    public required TrafficDirection Direction { get; init; }

    /// <summary>Where among the programs that are there.</summary>
    public TcxPosition Position { get; init; }
}

/// <summary>Where to attach by XDP.</summary>
public sealed record XdpAttachOptions
{
    /// <summary>The device.</summary>
    public required int InterfaceIndex { get; init; }

    /// <summary>How.</summary>
    public XdpMode Mode { get; init; }
}
