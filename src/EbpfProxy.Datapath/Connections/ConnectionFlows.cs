using EbpfProxy.Datapath.Abi;

namespace EbpfProxy.Datapath.Connections;

/// <summary>The rows of flows that lead to a connection: <c>flow_key_of()</c> of bpf/packet/connection.h.</summary>
internal static class ConnectionFlows
{
    public static IEnumerable<(FlowRole Role, FlowKey Key)> Of(ConnectionValue connection)
    {
        bool isOwn = connection.Flags.HasFlag(ConnectionFlags.FromNode);
        bool isInStack = !connection.Flags.HasFlag(ConnectionFlags.Around);
        yield return (FlowRole.Ask, new FlowKey(
            connection.Client,
            connection.Frontend,
            connection.ClientPortBe,
            connection.FrontendPortBe,
            connection.Protocol,
            isOwn ? FlowHook.Egress : FlowHook.Ingress,
            0));
        if (connection.Flags.HasFlag(ConnectionFlags.Masquerade))
        {
            if (isInStack)
            {
                yield return (FlowRole.Forward, new FlowKey(
                    connection.Client, connection.Backend, connection.InnerPortBe, connection.BackendPortBe, connection.Protocol, FlowHook.Egress, 0));
            }

            yield return (FlowRole.Return, new FlowKey(
                connection.Backend,
                connection.Source,
                connection.BackendPortBe,
                connection.SourcePortBe,
                connection.Protocol,
                isOwn && connection.Source == connection.Frontend ? FlowHook.Egress : FlowHook.Ingress,
                0));
        }

        // Last: who has its place may write the others anew.
        if (isInStack)
        {
            yield return (FlowRole.Answer, new FlowKey(
                connection.Backend, connection.Client, connection.BackendPortBe, connection.InnerPortBe, connection.Protocol, FlowHook.Egress, 0));
        }
    }
}
