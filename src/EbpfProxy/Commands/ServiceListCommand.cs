using System.CommandLine;
using System.Text.Json;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Commands;

/// <summary>`service list`: what the tables in the kernel hold, whether or not the daemon runs.</summary>
internal static class ServiceListCommand
{
    private static readonly string[] _header =
        ["NAMESPACE", "NAME", "PORT", "PROTOCOL", "FRONTENDS", "BACKENDS", "INTERNAL", "EXTERNAL", "AFFINITY"];

    private const string Help =
        """
        List the services

        FRONTENDS  where clients ask: cluster IPs, external addresses, *:port for node ports
        BACKENDS   how many endpoints traffic from inside the cluster can get
        INTERNAL   what becomes of traffic from inside the cluster:
                     cluster  any endpoint          local  endpoints of this node
                     refuse   connection refused    drop   nothing is answered
                     left to the stack  a device of the node holds the address, and nothing is translated
        EXTERNAL   the same of traffic from outside; - where nothing outside leads to the service
        AFFINITY   how long a client stays with an endpoint; - for one connection
        """;

    public static Command Create()
    {
        var output = OutputOption.Create();
        var command = new Command("list", Help) { output, Cli.BpfFileSystem };
        command.SetAction(result =>
        {
            var rows = DatapathView.ReadServices(result.GetRequiredValue(Cli.BpfFileSystem));
            var writer = result.InvocationConfiguration.Output;
            if (OutputOption.IsJson(result, output))
            {
                writer.WriteLine(JsonSerializer.Serialize(
                    (IReadOnlyList<ServiceJson>)[.. rows.Select(ServiceJson.From)], ListJsonContext.Readable.IReadOnlyListServiceJson));
            }
            else
            {
                TextTable.Write(writer, _header, rows.Select(Cells));
            }

            return 0;
        });
        return command;
    }

    internal static IReadOnlyList<string> Cells(ServiceRow row) =>
    [
        row.Key.Service.Namespace,
        row.Key.Service.Name,
        row.Key.PortName.Length == 0 ? "-" : row.Key.PortName,
        Words.Of(row.Key.Protocol),
        string.Join(",", row.Frontends.Select(f => Words.Of(f.Kind == FrontendKind.NodePort ? default : f.Address, f.Port))),
        $"{row.ClusterBackends}",
        row.LeftToStack.IsEmpty ? Words.Of(row.Verdicts.Internal) : "left to the stack",
        row.Frontends.All(f => f.Kind == FrontendKind.ClusterIP) ? "-" : Words.Of(row.Verdicts.External),
        row.AffinitySeconds == 0 ? "-" : $"{row.AffinitySeconds}s",
    ];
}
