using System.CommandLine;

namespace EbpfProxy.Commands;

/// <summary>`completion SHELL`: what makes a shell complete commands, flags and the names of services.</summary>
internal static class CompletionCommand
{
    private const string Help =
        """
        Print what makes a shell complete commands, flags, their values and the names of services

        source <(ebpf-proxy completion bash)
        ebpf-proxy completion bash > /etc/bash_completion.d/ebpf-proxy
        ebpf-proxy completion zsh > "${fpath[1]}/_ebpf-proxy"
        ebpf-proxy completion fish > ~/.config/fish/completions/ebpf-proxy.fish
        """;

    // The program itself says what can stand at a place of a line: "[suggest:PLACE]" LINE.
    private const string Bash =
        """
        _ebpf_proxy() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -F _ebpf_proxy ebpf-proxy
        """;

    private const string Zsh =
        """
        #compdef ebpf-proxy
        _ebpf_proxy() {
          local -a found
          found=(${(f)"$("${words[1]}" "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)"})
          compadd -a found
        }
        if [ "${funcstack[1]}" = _ebpf-proxy ]; then
          _ebpf_proxy
        else
          compdef _ebpf_proxy ebpf-proxy
        fi
        """;

    private const string Fish =
        """
        complete -c ebpf-proxy -f -a '(ebpf-proxy "[suggest:"(string length -- (commandline -cp))"]" (commandline -cp) 2>/dev/null)'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new DocumentedCommand("completion", Help) { shell };
        command.SetAction(result => result.InvocationConfiguration.Output.WriteLine(result.GetValue(shell) switch
        {
            "zsh" => Zsh,
            "fish" => Fish,
            _ => Bash,
        }));
        return command;
    }
}
