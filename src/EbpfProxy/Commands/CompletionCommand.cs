using System.CommandLine;

namespace EbpfProxy.Commands;

/// <summary>`completion SHELL`: what makes a shell complete commands, flags, their values, files and the names of services.</summary>
internal static class CompletionCommand
{
    private const string Help =
        """
        Print what makes a shell complete commands, flags, their values, files and the names of services

        source <(ebpf-proxy completion bash)
        ebpf-proxy completion bash > /etc/bash_completion.d/ebpf-proxy
        ebpf-proxy completion zsh > "${fpath[1]}/_ebpf-proxy"
        ebpf-proxy completion fish > ~/.config/fish/completions/ebpf-proxy.fish
        """;

    // The program itself says what can stand in the place of a word (Completions). To bash = and : are words of their own:
    // what they are between is put together again, and of an answer only what is behind the last of them is the shell's word.
    private const string Bash =
        """
        _ebpf_proxy() {
          local -a line=() found=()
          local i last=-1 joins= word=${COMP_WORDS[COMP_CWORD]}
          for ((i = 1; i <= COMP_CWORD; i++)); do
            if [[ ${COMP_WORDS[i]} == [=:]* ]]; then
              ((last >= 0)) || last=0
              line[last]+=${COMP_WORDS[i]} joins=1
            elif [[ $joins ]]; then
              line[last]+=${COMP_WORDS[i]} joins=
            else
              line[++last]=${COMP_WORDS[i]}
            fi
          done
          [[ $word != [=:]* ]] || word=
          mapfile -t found < <("${COMP_WORDS[0]}" __complete "${line[@]}" 2>/dev/null)
          case ${found[0]-} in
            :files) mapfile -t COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames 2>/dev/null ;;
            :folders) mapfile -t COMPREPLY < <(compgen -d -- "$word"); compopt -o filenames 2>/dev/null ;;
            *) COMPREPLY=("${found[@]#"${line[last]%"$word"}"}") ;;
          esac
        }
        complete -F _ebpf_proxy ebpf-proxy
        """;

    private const string Zsh =
        """
        #compdef ebpf-proxy
        _ebpf_proxy() {
          local -a found
          found=("${(@f)$("${words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
          case $found[1] in
            :files|:folders)
              [[ $PREFIX != -*=* ]] || compset -P '*='
              if [[ $found[1] = :folders ]]; then _files -/; else _files; fi
              ;;
            *) compadd -- ${found:#} ;;
          esac
        }
        if [ "${funcstack[1]}" = _ebpf_proxy ] || [ "${funcstack[1]}" = _ebpf-proxy ]; then
          _ebpf_proxy
        else
          compdef _ebpf_proxy ebpf-proxy
        fi
        """;

    private const string Fish =
        """
        function __ebpf_proxy_complete
          set -l word (commandline -ct)
          set -l found (command ebpf-proxy __complete (commandline -opc)[2..-1] "$word" 2>/dev/null)
          switch "$found[1]"
            case :files :folders
              set -l head (string match -r -- '^-[^=]*=' "$word")
              for path in (__fish_complete_path (string replace -- "$head" '' "$word"))
                echo "$head$path"
              end
            case '*'
              printf '%s\n' $found
          end
        end
        complete -c ebpf-proxy -f -a '(__ebpf_proxy_complete)'
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
