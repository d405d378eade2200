namespace EbpfProxy.Datapath;

/// <summary>Whose sockets are translated. Mirrors <c>enum socket_translation</c>.</summary>
public enum SocketTranslation : uint
{
    /// <summary>Those of the node and of all pods.</summary>
    All = 0,

    /// <summary>Those of the node's own network namespace; the packet path translates what pods send.</summary>
    Host = 1,

    /// <summary>None: the packet path translates everything.</summary>
    Off = 2,
}

/// <summary>Which loopback addresses have node ports, for the node itself. Mirrors <c>enum loopback_node_ports</c>.</summary>
public enum LoopbackNodePorts : uint
{
    None = 0,

    /// <summary>127.0.0.0/8 by TCP, as kube-proxy has it.</summary>
    Tcp4 = 1,

    /// <summary>::1 and UDP as well.</summary>
    All = 2,
}

/// <summary>What the operator decides about sockets. A change counts from the next start on, for what connects or sends then.</summary>
public sealed record SocketOptions
{
    public SocketTranslation Translation { get; init; } = SocketTranslation.All;

    public LoopbackNodePorts LoopbackNodePorts { get; init; } = LoopbackNodePorts.None;

    /// <summary>Whether a process of the node itself is refused a port that is a node port.</summary>
    public bool ReservesNodePorts { get; init; }

    /// <summary>Whether the bytes of TCP sockets are counted, by service, when a connection ends.</summary>
    public bool CountsBytes { get; init; }
}
