using System.CommandLine;
using EbpfProxy.Daemon;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>`run`: the daemon.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var command = new Command("run", "Keep the services of the cluster working on this node; what kube-proxy's flags mean without a command");
        var flags = new RunFlags(command);
        command.SetAction((result, token) =>
        {
            var problems = new Problems();
            var options = flags.Read(result, problems);
            string nodeName = NodeName.From(options.HostnameOverride, Environment.MachineName, problems);
            foreach (string error in problems.Errors)
            {
                result.InvocationConfiguration.Error.WriteLine($"error: {error}");
            }

            return problems.Errors.Count > 0 ? Task.FromResult(Cli.Misuse) : ProxyDaemon.RunAsync(options, nodeName, problems.Warnings, token);
        });
        return command;
    }
}
