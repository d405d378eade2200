using System.CommandLine;
using System.CommandLine.Completions;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>The argument of lists by which only what is of one service is shown.</summary>
internal static class ServiceFilter
{
    public static Argument<string?> Create()
    {
        var service = new Argument<string?>("service")
        {
            Description = "Only what is of this service: name, or namespace/name",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Prepare(service);
        return service;
    }

    /// <summary>Makes an argument one of a service's name: shells complete it, and a flag that nobody knows is none.</summary>
    public static void Prepare(Argument argument)
    {
        argument.CompletionSources.Add(Names);
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', ..] and var flag }])
            {
                result.AddError($"there is no flag {flag}");
            }
        });
    }

    /// <summary>The services of this node, for shells to complete, by the --bpffs that stands before; none where there is no table of them.</summary>
    public static IEnumerable<CompletionItem> Names(CompletionContext context)
    {
        try
        {
            string bpfFileSystem = context.ParseResult.GetResult(Cli.BpfFileSystem)?.Tokens is [.., var said] ? said.Value : ProxyOptions.DefaultBpfFileSystem;
            return [.. DatapathView.ReadServices(bpfFileSystem).Select(row => row.Key.Service.ToString()).Distinct().Select(name => new CompletionItem(name))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Whether a service is the wanted one; null wants all, those without a name too.</summary>
    public static bool IsWanted(string? wanted, ServiceKey? service) =>
        wanted is null || (service is { } key && (wanted == key.Service.Name || wanted == key.Service.ToString()));

    /// <exception cref="IOException">None of the services is the wanted one.</exception>
    public static void Require(string wanted, IEnumerable<ServiceKey> services)
    {
        if (!services.Any(key => IsWanted(wanted, key)))
        {
            throw new IOException($"no service {wanted} on this node: see `ebpf-proxy service list`");
        }
    }
}
