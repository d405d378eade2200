using System.CommandLine;
using System.Text.Json.Serialization.Metadata;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>What every list has: columns for people, JSON and YAML for scripts, --watch, the pinned maps as its source.</summary>
/// <param name="Name">The word for it: "list", "maps".</param>
/// <param name="Help">What it lists, and what its columns mean.</param>
internal sealed record ListCommand<TRow, TJson>(string Name, string Help)
{
    public required IReadOnlyList<Column<TRow>> Columns { get; init; }

    /// <summary>What tells a row from all others, for as long as it is there.</summary>
    public required Func<TRow, string> Key { get; init; }

    /// <summary>A row in JSON.</summary>
    public required Func<TRow, TJson> ToJson { get; init; }

    /// <summary>How a list of those is written.</summary>
    public required JsonTypeInfo<IReadOnlyList<TJson>> ListType { get; init; }

    /// <summary>How one of them is written.</summary>
    public required JsonTypeInfo<TJson> RowType { get; init; }

    /// <summary>Reads what services there are, for lists of what is of a service.</summary>
    public Func<string, IEnumerable<ServiceKey>> ReadServices { get; init; } =
        bpfFileSystem => DatapathView.ReadServices(bpfFileSystem).Select(row => row.Key);

    /// <param name="read">Reads the rows from a BPF file system; whether with what only the wide columns show.</param>
    public Command Create(Func<string, bool, IEnumerable<TRow>> read) =>
        Create(new DocumentedCommand(Name, Help), null, (_, bpfFileSystem, isDetailed) => read(bpfFileSystem, isDetailed));

    /// <summary>The same of what is of a service each, with an argument that wants one only.</summary>
    public Command CreateByService(Func<string, string?, bool, IEnumerable<TRow>> read)
    {
        return CreateByService([], (_, bpfFileSystem, wanted, isDetailed) => read(bpfFileSystem, wanted, isDetailed));
    }

    /// <summary>The same with options of its own.</summary>
    public Command CreateByService(IEnumerable<Option> options, Func<ParseResult, string, string?, bool, IEnumerable<TRow>> read)
    {
        var service = ServiceFilter.Create();
        var command = new DocumentedCommand(Name, Help) { service };
        foreach (var option in options)
        {
            command.Add(option);
        }

        return Create(command, service, (result, bpfFileSystem, isDetailed) => read(result, bpfFileSystem, result.GetValue(service), isDetailed));
    }

    private Command Create(Command command, Argument<string?>? service, Func<ParseResult, string, bool, IEnumerable<TRow>> read)
    {
        var output = OutputOption.CreateForList();
        var watch = new Option<bool>("--watch", "-w") { Description = "Go on: draw anew on a terminal, else a line for each change" };
        command.Add(output);
        command.Add(watch);
        command.Add(Cli.BpfFileSystem);
        command.Validators.Add(result =>
        {
            if (result.GetValue(watch) && result.GetValue(output) == "yaml")
            {
                result.AddError("--watch: with yaml there is none; json has a line for each change");
            }
        });
        command.SetAction((result, token) =>
        {
            var form = OutputOption.FormOf(result, output);
            string bpfFileSystem = result.GetRequiredValue(Cli.BpfFileSystem);
            var writer = result.InvocationConfiguration.Output;
            IReadOnlyList<TRow> Read() => [.. read(result, bpfFileSystem, form != OutputForm.Text)];
            if (result.GetValue(watch))
            {
                return new ListWatch<TRow, TJson>(this, form, writer, () => Terminal.Of(writer)).RunAsync(Read, OutputReader.Of(writer), token);
            }

            var rows = Read();
            if (rows.Count == 0 && service is not null && result.GetValue(service) is { } wanted)
            {
                ServiceFilter.Require(wanted, ReadServices(bpfFileSystem));
            }

            Write(writer, Terminal.Of(writer), form, rows);
            return Task.FromResult(0);
        });
        return command;
    }

    /// <summary>The columns of a form.</summary>
    public IReadOnlyList<Column<TRow>> ColumnsOf(OutputForm form) =>
        [.. Columns.Where(column => column.Use != ColumnUse.Wide || form != OutputForm.Text)];

    public void Write(TextWriter writer, Terminal terminal, OutputForm form, IReadOnlyList<TRow> rows)
    {
        if (OutputOption.TryWrite(writer, form, (IReadOnlyList<TJson>)[.. rows.Select(ToJson)], ListType))
        {
            return;
        }

        TextTable.Write(writer, form == OutputForm.Wide ? terminal with { Width = null } : terminal, ColumnsOf(form), rows);
    }
}
