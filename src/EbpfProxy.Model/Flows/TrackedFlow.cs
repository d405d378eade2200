using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Flows;

/// <summary>A flow that is sent somewhere: whom its first packet asked, and who answers.</summary>
public readonly record struct TrackedFlow(Protocol Protocol, Address Asked, ushort AskedPort, Address Answering, ushort AnsweringPort)
{
    /// <summary>Who asked; nobody where that is not known.</summary>
    public Address Client { get; init; }

    /// <summary>Whether somebody else answers than who was asked.</summary>
    public bool IsTranslated => Asked != Answering;

    /// <summary>Whether somebody else answers, or on another port.</summary>
    public bool IsSentOn => IsTranslated || AskedPort != AnsweringPort;
}
