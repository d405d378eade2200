using System.CommandLine;
using EbpfProxy.Daemon;
using EbpfProxy.Options;

namespace EbpfProxy.Commands;

/// <summary>`run`: the daemon, and what kube-proxy does in its place where a flag says so.</summary>
internal static class RunCommand
{
    private static readonly string[] _yes = ["", "true", "True", "TRUE", "1", "t", "T"];

    private const string Help =
        """
        Keep the services of the cluster working on this node; what kube-proxy's flags mean without a command

        ebpf-proxy run --manifests deploy/demo
        ebpf-proxy run --kubeconfig /etc/kubernetes/kube-proxy.conf --hostname-override "$(hostname)"
        ebpf-proxy --config=/var/lib/kube-proxy/config.conf --hostname-override="$NODE_NAME"

        A signal ends it, with exit code 0; programs and maps stay, and traffic goes on. Exit code 1 if a part of it fails,
        2 if flags or file make no sense.
        """;

    public static Command Create()
    {
        var command = new DocumentedCommand("run", Help);
        var flags = new RunFlags(command);
        var version = RunFlags.Make("version", "Print the version, with raw more of it, and end", RunFlags.SwitchValue);
        var write = RunFlags.Make("write-config-to", "Write what file and flags come to into this file, and end", ValueNames.File);
        var cleanup = RunFlags.Make("cleanup", "Remove every program, link, map and pin of the proxy from this node, and end", RunFlags.SwitchValue);
        var initialize = RunFlags.Make("init-only", "Write settings of the kernel and mount the BPF file system, and end", RunFlags.SwitchValue);
        foreach (var option in new[] { version, write, cleanup, initialize })
        {
            command.Add(option);
        }

        command.SetAction((result, token) =>
        {
            var (output, error) = (result.InvocationConfiguration.Output, result.InvocationConfiguration.Error);
            if (RunFlags.TextsOf(result, version) is { } form && (IsSet(result, version) || form is [.., "raw"]))
            {
                output.WriteLine(form is [.., "raw"] ? VersionText.Raw : VersionText.Plain);
                return Task.FromResult(0);
            }

            var problems = new Problems();
            var options = flags.Read(result, problems);
            string nodeName = NodeName.From(options.HostnameOverride, NodeName.OfHost, problems);
            foreach (string message in problems.Errors)
            {
                error.WriteLine($"error: {message}");
            }

            if (problems.Errors.Count > 0)
            {
                return Task.FromResult(Cli.Misuse);
            }

            if (RunFlags.TextsOf(result, write) is [.., { Length: > 0 } path])
            {
                foreach (string warning in problems.Warnings)
                {
                    error.WriteLine($"warning: {warning}");
                }

                File.WriteAllText(path, EffectiveConfiguration.FileOf(options));
                output.WriteLine($"Wrote the configuration to {path}");
                return Task.FromResult(0);
            }

            if (IsSet(result, cleanup))
            {
                return Task.FromResult(CleanupCommand.Run(options.BpfFileSystem, output));
            }

            bool onlyInitializes = IsSet(result, initialize);
            if (!onlyInitializes && options is { Manifests: null, Kubeconfig: { } kubeconfig } && !File.Exists(kubeconfig))
            {
                error.WriteLine($"error: {problems.NameOf("clientConnection.kubeconfig")}: there is no file {kubeconfig}");
                return Task.FromResult(Cli.Misuse);
            }

            return ProxyDaemon.RunAsync(options, nodeName, problems.Warnings, onlyInitializes, token);
        });
        return command;
    }

    private static bool IsSet(ParseResult result, Option<string[]> option) =>
        RunFlags.TextsOf(result, option) is { } texts && (texts.Count == 0 || _yes.Contains(texts[^1]));
}
