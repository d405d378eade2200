using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`trace`: what becomes of new connections, as it happens.</summary>
internal static class TraceCommand
{
    private const string Help =
        """
        Tell what becomes of new connections of services, as it happens: a line each

        picked      a socket of this node got a backend
        translated  packets of a flow go to a backend
        refused     the client is told that nobody is there; the reason is behind it
        dropped     the client is told nothing
        At a socket the process is told in the place of the client, on kernels that tell it.
        Reasons are those of docs/datapath.md. Without a filter it tells all. An established connection, and an
        unconnected socket that goes on with its backend, are told nothing of.

        While nobody traces it costs nothing; one trace can run at a time. It ends by Ctrl-C.

        ebpf-proxy trace --service default/web
        ebpf-proxy trace --address 10.96.0.10 --count 1 --timeout 30
        ebpf-proxy trace --port 53 --protocol udp -o json

        Exit code 1 if --timeout came before the first event.
        """;

    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(250);

    public static Command Create()
    {
        var address = new Option<Address?>("--address") { Description = "Only with this frontend, backend or, where packets are translated, client", HelpName = "address", CustomParser = ParseAddress };
        var port = new Option<ushort?>("--port") { Description = "Only with this port, of any of them", HelpName = "number", CustomParser = ParsePort };
        var protocol = new Option<string>("--protocol") { Description = "Only tcp, udp or sctp", HelpName = "protocol" };
        protocol.AcceptOnlyFromAmong("tcp", "udp", "sctp");
        var service = new Option<string>("--service") { Description = "Only of this service: name, or namespace/name", HelpName = "service" };
        service.CompletionSources.Add(ServiceFilter.Names);
        var count = new Option<int>("--count", "-n") { Description = "End after so many events", HelpName = "number" };
        var timeout = new Option<double>("--timeout") { Description = "End after so many seconds; 0 for never", HelpName = "seconds" };
        var output = OutputOption.CreateForLines();
        var command = new DocumentedCommand("trace", Help) { address, port, protocol, service, count, timeout, output, Cli.BpfFileSystem };
        command.SetAction(result =>
        {
            Protocol? wanted = ProtocolNames.TryParse(result.GetValue(protocol)?.ToUpperInvariant() ?? "", out var parsed) ? parsed : null;
            var filter = new FlowFilter(result.GetValue(address), result.GetValue(port), wanted, result.GetValue(service));
            var patience = result.GetValue(timeout) is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
            var configuration = result.InvocationConfiguration;
            bool isJson = OutputOption.FormOf(result, output) == OutputForm.Json;
            return Run(result.GetRequiredValue(Cli.BpfFileSystem), filter, result.GetValue(count), patience, isJson, configuration.Output, configuration.Error);
        });
        return command;
    }

    private static int Run(string bpfFileSystem, FlowFilter filter, int count, TimeSpan? timeout, bool isJson, TextWriter writer, TextWriter error)
    {
        bool isOver = false;
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var trace = FlowTrace.Start(bpfFileSystem, filter);
        var terminal = Terminal.Of(writer);
        var reader = OutputReader.Of(writer);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        int told = 0;
        trace.Listen();
        error.WriteLine("listening");
        while (!Volatile.Read(ref isOver) && !reader.IsGone && (count == 0 || told < count) && (timeout is null || clock.Elapsed < timeout))
        {
            foreach (var one in trace.Read(timeout is { } end && end - clock.Elapsed < _patience ? Max(end - clock.Elapsed) : _patience).Take(count == 0 ? int.MaxValue : count - told))
            {
                writer.WriteLine(isJson ? JsonSerializer.Serialize(FlowEventJson.From(one), ListJsonContext.Lines.FlowEventJson) : LineOf(one, terminal));
                told++;
            }

            writer.Flush();
        }

        if (trace.Lost is > 0 and var lost)
        {
            error.WriteLine($"{lost} events were lost: narrow the filter");
        }

        return told == 0 && timeout is not null && !Volatile.Read(ref isOver) ? Cli.Failure : 0;

        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            Volatile.Write(ref isOver, true);
        }

        static TimeSpan Max(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;
    }

    internal static string LineOf(FlowEvent one, Terminal terminal)
    {
        string word = Words.FateOf(one.Reason);
        string asker = one.Pid != 0 ? $"{Words.Printable(one.Command)}[{one.Pid}]" : one.Client is { } client ? Words.Of(client) : "-";
        string got = one.Backend is { } backend ? Words.Of(backend) : Words.Of(one.Reason);
        string time = one.Time.ToLocalTime().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        return $"{time} {terminal.Coloured(word, word)}{new string(' ', 11 - word.Length)}{asker} {Words.Of(one.Frontend)}/{Words.Of(one.Protocol).ToLowerInvariant()} -> {got} {one.Service?.ToString() ?? "-"}";
    }

    private static ushort? ParsePort(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return port;
        }

        result.AddError($"--port: \"{text}\" is no port");
        return null;
    }

    private static Address? ParseAddress(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (Address.TryParse(text, out var address))
        {
            return address;
        }

        result.AddError($"--address: \"{text}\" is no address");
        return null;
    }
}
