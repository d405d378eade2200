using System.CommandLine;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`service show NAMESPACE/NAME`: all that the maps hold of one Service, each of its ports and families.</summary>
internal static class ServiceShowCommand
{
    private const string Help =
        """
        Show one Service: for each port and family its frontends, what each class of traffic gets, its endpoints

        near       traffic to external addresses and node ports from pods of this node and the node itself
        state      as in `backend list`
        set        which traffic an endpoint is for: cluster (any policy but Local), local (policy Local)
        active     connections that are open, of this node's sockets and of what is translated packet by packet
        closing    those that one side at least has begun to close
        so far     since the Service is on this node; bytes in packets from the IP header on, and of TCP sockets with --socket-bytes

        ebpf-proxy service show default/web
        ebpf-proxy service show default/web -o yaml

        Exit code 1 if there is no such Service.
        """;

    public static Command Create()
    {
        var output = OutputOption.Create();
        var name = new Argument<string>("service") { Description = "namespace/name, or a name that stands for all that have it" };
        ServiceFilter.Prepare(name);
        var command = new DocumentedCommand("show", Help) { name, output, Cli.BpfFileSystem };
        command.SetAction(result =>
        {
            string wanted = result.GetRequiredValue(name);
            string bpfFileSystem = result.GetRequiredValue(Cli.BpfFileSystem);
            var writer = result.InvocationConfiguration.Output;
            IReadOnlyList<ServiceRow> services = [.. DatapathView.ReadServices(bpfFileSystem).Where(row => ServiceFilter.IsWanted(wanted, row.Key))];
            ServiceFilter.Require(wanted, services.Select(row => row.Key));
            var counts = ConnectionCounts.Read(bpfFileSystem);
            var tallies = TallyView.Read(bpfFileSystem).ToDictionary(tally => tally.ServiceId);
            IReadOnlyList<ServiceDetailJson> details =
                [.. services.Select(service => ServiceDetailJson.From(service, counts, tallies.GetValueOrDefault(service.Id)))];
            if (!OutputOption.TryWrite(writer, OutputOption.FormOf(result, output), details, ListJsonContext.Readable.IReadOnlyListServiceDetailJson))
            {
                var terminal = Terminal.Of(writer);
                for (int i = 0; i < services.Count; i++)
                {
                    writer.Write(i == 0 ? "" : "\n");
                    Write(writer, terminal, services[i], counts, tallies.GetValueOrDefault(services[i].Id));
                }
            }

            return 0;
        });
        return command;
    }

    internal static void Write(TextWriter writer, Terminal terminal, ServiceRow service, ConnectionCounts counts, ServiceTally? tally)
    {
        void Line(string name, string text) => writer.WriteLine($"{name,-13}{text}");

        var total = counts.Of(service.Key);
        Line("service", $"{terminal.Bold(service.Key.ToString())} {Words.Of(service.Key.Protocol)} {service.Key.Family}, id {service.Id}");
        foreach (var (frontend, index) in service.Frontends.Select((frontend, index) => (frontend, index)))
        {
            bool isLeft = service.LeftToStack.Contains(frontend.Address);
            Line(
                index == 0 ? "frontends" : "",
                $"{Words.Of(frontend)} {Words.Of(frontend.Kind)}{(isLeft ? ", left to the stack: a device of the node holds it" : "")}");
        }

        Line("internal", $"{Coloured(service.Verdicts.Internal)}{Of(service, service.Verdicts.Internal)}");
        if (Words.OfExternal(service) != "-")
        {
            Line("external", $"{Coloured(service.Verdicts.External)}{Of(service, service.Verdicts.External)}");
            Line("near", $"{Coloured(service.Verdicts.ExternalNear)}{Of(service, service.Verdicts.ExternalNear)}");
        }

        Line("affinity", service.AffinitySeconds == 0 ? "none" : $"a client stays with its endpoint for {service.AffinitySeconds} s");
        if (!service.SourceRanges.IsEmpty)
        {
            Line("sources", $"{string.Join(", ", service.SourceRanges)} may use the load-balancer addresses");
        }

        Line("connections", $"{total.Active} active, {total.Closing} closing");
        if (tally is not null)
        {
            Line("so far", $"{tally.Opened} connections, {BytesOf(tally)}");
            Line("refused", Words.Of(tally.Refusals));
        }

        Line("endpoints", service.Backends.IsEmpty ? "none" : "");
        if (!service.Backends.IsEmpty)
        {
            TextTable.Write(writer, terminal, EndpointColumns(service, counts), service.Backends);
        }

        string Coloured(Verdict verdict) => terminal.Coloured(Words.Of(verdict), Words.Of(verdict));
    }

    /// <summary>The bytes of a service, and of what there are none.</summary>
    private static string BytesOf(ServiceTally tally)
    {
        string bytes = tally.HasBytes
            ? $"{Words.OfBytes(tally.BytesSent)} to backends, {Words.OfBytes(tally.BytesReceived)} from them" : "bytes - (not measured)";
        return tally.CountsSocketBytes ? bytes
            : tally.Service.Protocol == Protocol.Udp ? $"{bytes}; those of UDP sockets are not counted" : $"{bytes}; those of sockets are counted with --socket-bytes";
    }

    private static IReadOnlyList<Column<BackendRow>> EndpointColumns(ServiceRow service, ConnectionCounts counts) =>
    [
        new("", _ => ""),
        AddressColumn.Of<BackendRow>("ADDRESS", backend => Words.Of(backend.Address, backend.Port)),
        new("STATE", backend => Words.Of(backend.Use)),
        new("SET", backend => Words.OrDash(string.Join(",", Words.SetsOf(backend)))),
        new("ON NODE", backend => backend.Use.HasFlag(BackendUse.OnNode) ? "yes" : "no"),
        new("ACTIVE", backend => $"{counts.Of(service.Key, backend).Active}"),
        new("CLOSING", backend => $"{counts.Of(service.Key, backend).Closing}"),
    ];

    private static string Of(ServiceRow service, Verdict verdict) => verdict switch
    {
        Verdict.Cluster => $": one of {service.Backends.Count(backend => backend.Use.HasFlag(BackendUse.InClusterSet))}",
        Verdict.Local => $": one of the {service.Backends.Count(backend => backend.Use.HasFlag(BackendUse.InLocalSet))} on this node",
        Verdict.Refuse => ": no endpoint could answer",
        Verdict.Drop => ": policy Local, and no endpoint on this node",
    };
}
