using System.CommandLine;
using System.Text.Json;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Commands;

/// <summary>`backend list`: the backends of all services, or of one.</summary>
internal static class BackendListCommand
{
    private static readonly string[] _header = ["NAMESPACE", "SERVICE", "PORT", "BACKEND", "STATE", "ON NODE"];

    private const string Help =
        """
        List the backends

        STATE    ready     gets new connections
                 draining  is going: keeps the connections that it has, gets no new ones
                 unused    known, and no traffic of this node leads to it
        ON NODE  whether it runs on this node
        """;

    public static Command Create()
    {
        var output = OutputOption.Create();
        var service = new Argument<string?>("service")
        {
            Description = "Only those of this service: name, or namespace/name",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("list", Help) { service, output, Cli.BpfFileSystem };
        command.SetAction(result =>
        {
            string? wanted = result.GetValue(service);
            var rows = DatapathView.ReadServices(result.GetRequiredValue(Cli.BpfFileSystem))
                .Where(row => wanted is null || wanted == row.Key.Service.Name || wanted == row.Key.Service.ToString())
                .SelectMany(row => row.Backends.Select(backend => (Service: row, Backend: backend)));
            var writer = result.InvocationConfiguration.Output;
            if (OutputOption.IsJson(result, output))
            {
                writer.WriteLine(JsonSerializer.Serialize(
                    (IReadOnlyList<BackendJson>)[.. rows.Select(row => BackendJson.From(row.Service, row.Backend))],
                    ListJsonContext.Readable.IReadOnlyListBackendJson));
            }
            else
            {
                TextTable.Write(writer, _header, rows.Select(row => Cells(row.Service, row.Backend)));
            }

            return 0;
        });
        return command;
    }

    internal static IReadOnlyList<string> Cells(ServiceRow service, BackendRow backend) =>
    [
        service.Key.Service.Namespace,
        service.Key.Service.Name,
        service.Key.PortName.Length == 0 ? "-" : service.Key.PortName,
        Words.Of(backend.Address, backend.Port),
        Words.Of(backend.Use),
        backend.Use.HasFlag(BackendUse.OnNode) ? "yes" : "no",
    ];
}
