using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What a shell completes, by the script that the program prints for it.</summary>
public sealed class CompletionTests(PacketStage stage) : IClassFixture<PacketStage>
{
    // As bash does it: the line in words, of which = and : are some, and the one that is typed last.
    private const string Bash =
        """
        cd "$2"; PATH="$(dirname "$1"):$PATH"
        source <(ebpf-proxy completion bash)
        shift 2
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        _ebpf_proxy
        printf '%s\n' "${COMPREPLY[@]}"
        """;

    [KernelTheory]
    [InlineData("show", "service", "sh")]
    [InlineData("json", "status", "-o", "js")]
    [InlineData("json", "status", "--output", "=", "js")]
    [InlineData("json text wide yaml", "status", "--output", "=")]
    [InlineData("notes.log", "bugreport", "--log", "no")]
    [InlineData("notes.log", "bugreport", "--log", "=", "no")]
    [InlineData("kubeconfig", "--kubeconfig", "ku")]
    [InlineData("manifests", "run", "--manifests", "=", "")]
    public void Bash_completes_commands_values_and_files(string expected, params string[] line)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "notes.log"), "");
            File.WriteAllText(Path.Combine(folder.FullName, "kubeconfig"), "");
            folder.CreateSubdirectory("manifests");

            Assert.Equal(expected.Split(' '), Complete(folder.FullName, line));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [KernelTheory]
    [InlineData("service", "show")]
    [InlineData("backend", "list")]
    [InlineData("sockets")]
    [InlineData("trace", "--service")]
    [InlineData("trace", "--service", "=")]
    public void Services_are_those_of_the_BPF_file_system_that_stands_before(params string[] command)
    {
        stage.Move(new Service("completed", 65), 4, Backend.Near);
        string[] before = ["--bpffs", stage.Node.BpfFileSystem];
        string[] line = [command[0], .. before, .. command[1..]];
        if (command[0] is "service" or "backend")
        {
            line = [.. command, .. before];
        }

        Assert.Contains("default/completed", Complete("/", [.. line, command[^1] == "=" ? "default/com" : ""]));
        Assert.DoesNotContain("default/completed", Complete("/", [.. line.Select(word => word == stage.Node.BpfFileSystem ? "/does/not/exist" : word), ""]));
    }

    private static string[] Complete(string folder, string[] line) =>
        Shell.Require(Bash, [ProxyBinary.Path, folder, "ebpf-proxy", .. line]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
