using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>A frontend that two services want.</summary>
/// <param name="Holder">The one that it leads to.</param>
/// <param name="Other">The one that does without it.</param>
/// <param name="Address">Its address; any for a node port.</param>
/// <param name="Port">Its port.</param>
public readonly record struct ContestedFrontend(ServiceKey Holder, ServiceKey Other, Address Address, ushort Port);
