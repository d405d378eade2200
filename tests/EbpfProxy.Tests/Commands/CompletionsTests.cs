using EbpfProxy.Commands;

namespace EbpfProxy.Tests.Commands;

public sealed class CompletionsTests
{
    [Theory]
    [InlineData("ser", "service")]
    [InlineData("service ", "list show")]
    [InlineData("service l", "list")]
    [InlineData("status -o ", "json text wide yaml")]
    [InlineData("status --output=j", "--output=json")]
    [InlineData("status --output=", "--output=json --output=text --output=wide --output=yaml")]
    [InlineData("trace -o t", "text")]
    [InlineData("trace --nonsense=", "")]
    [InlineData("run --fast-path o", "off on")]
    [InlineData("run --fast-path=o", "--fast-path=off --fast-path=on")]
    [InlineData("--fast-path=o", "--fast-path=off --fast-path=on")]
    [InlineData("--fast-path o", "off on")]
    [InlineData("run --socket-bytes=", "--socket-bytes=false --socket-bytes=true")]
    [InlineData("run --socket-b", "--socket-bytes")]
    [InlineData("--socket-b", "--socket-bytes")]
    [InlineData("completion ", "bash fish zsh")]
    [InlineData("completion bash ", "--help")]
    [InlineData("cleanup ", "--bpffs --help")]
    public async Task A_word_is_completed_by_what_can_stand_there(string line, string expected) => Assert.Equal(expected, await AskAsync(line));

    [Theory]
    [InlineData("bugreport --log ", ":files")]
    [InlineData("bugreport --log=/var", ":files")]
    [InlineData("bugreport --file a", ":files")]
    [InlineData("--config ", ":files")]
    [InlineData("run --kubeconfig=", ":files")]
    [InlineData("--write-config-to a", ":files")]
    [InlineData("run --manifests ", ":folders")]
    [InlineData("status --bpffs=", ":folders")]
    [InlineData("sockets --host-proc ", ":folders")]
    [InlineData("check --cgroup-root ", ":folders")]
    public async Task Names_of_files_are_left_to_the_shell(string line, string expected) => Assert.Equal(expected, await AskAsync(line));

    [Theory]
    [InlineData("run --socket-bytes f")]
    [InlineData("service show default/web d")]
    [InlineData("nonsense ")]
    public async Task Where_nothing_can_stand_nothing_is_told(string line) => Assert.Equal("", await AskAsync(line));

    private static async Task<string> AskAsync(string line)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();

        Assert.Equal(0, await Cli.RunAsync([Completions.Question, .. line.Split(' ')], output, error));
        Assert.Equal("", error.ToString());
        return string.Join(' ', output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
