using System.Globalization;
using System.Text.Json;
using EbpfProxy.Commands;

namespace EbpfProxy.Tests.Commands;

public sealed class CliTests
{
    [Theory]
    [InlineData("nonsense")]
    [InlineData("service list --nonsense")]
    [InlineData("status -o xml")]
    [InlineData("run --manifests=/does/not/exist")]
    [InlineData("run -v=loud")]
    [InlineData("run --config=/does/not/exist")]
    [InlineData("run --hostname-override=n1 --kubeconfig=/does/not/exist")]
    public async Task What_makes_no_sense_is_told_in_one_form_and_exits_with_2(string line)
    {
        var (code, output, error) = await RunAsync(line);

        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.All(Lines(error), text => Assert.Matches("^error: (--?[a-z-]+|command line): .+", text));
    }

    [Theory]
    [InlineData("servce list", "error: command line: there is no command \"servce\"; there are: ")]
    [InlineData("service lst default/web", "error: command line: there is no command \"lst\"; there are: list, show")]
    [InlineData("service", "error: command line: which command? There are: list, show")]
    [InlineData("trace --port 99999", "error: command line: --port: \"99999\" is no port")]
    [InlineData("top --rounds -1", "error: command line: --rounds: is not a number of rounds, or 0 for no end")]
    public async Task A_word_that_is_mistyped_is_told_once_with_what_there_is(string line, string expected)
    {
        var (code, _, error) = await RunAsync(line);

        Assert.Equal(2, code);
        Assert.StartsWith(expected, Assert.Single(Lines(error)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_is_told_in_the_same_form_and_exits_with_1()
    {
        var (code, output, error) = await RunAsync("service list --bpffs /does/not/exist");

        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.StartsWith("error: list: no tables of ebpf-proxy below /does/not/exist", Assert.Single(Lines(error)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("service list --bpffs /does/not/exist", 1)]
    [InlineData("service list --no-such-flag", 2)]
    public async Task A_failure_that_cannot_be_told_has_its_exit_code_all_the_same(string line, int expected)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        await using var full = new StreamWriter(new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)) { AutoFlush = true };

        Assert.Equal(expected, await Cli.RunAsync(line.Split(' '), output, full));
    }

    [Fact]
    public async Task Status_of_a_node_without_programs_exits_with_1_in_every_form()
    {
        var text = await RunAsync("status --bpffs /does/not/exist");
        var json = await RunAsync("status --bpffs /does/not/exist -o json");
        var yaml = await RunAsync("status --bpffs /does/not/exist -o yaml");

        Assert.Equal((1, 1, 1), (text.Code, json.Code, yaml.Code));
        Assert.Equal(("", "", ""), (text.Output, json.Error, yaml.Error));
        Assert.StartsWith("error: status: nothing of ebpf-proxy below /does/not/exist: ", Assert.Single(Lines(text.Error)), StringComparison.Ordinal);
        Assert.False(JsonDocument.Parse(json.Output).RootElement.GetProperty("attached").GetBoolean());
        Assert.Contains("attached: false\n", yaml.Output, StringComparison.Ordinal);
    }

    /// <summary>What is only absent costs something; what is missing is the end.</summary>
    [Theory]
    [InlineData("check -o json")]
    [InlineData("check -o json --cgroup-root /does/not/exist")]
    public async Task Check_exits_with_1_where_something_is_missing_and_only_there(string line)
    {
        var (code, output, error) = await RunAsync(line);

        string?[] states = [.. JsonDocument.Parse(output).RootElement.EnumerateArray().Select(check => check.GetProperty("state").GetString())];
        Assert.Equal(states.Contains("missing") ? 1 : 0, code);
        Assert.Equal("", error);
        if (line.Contains("/does/not/exist", StringComparison.Ordinal))
        {
            Assert.Contains("missing", states);
        }
    }

    [Theory]
    [InlineData("/does/not/exist/report.tar.gz")]
    [InlineData("/sys/report.tar.gz")]
    public async Task A_report_that_cannot_be_written_is_named_with_what_can_be_said_instead(string file)
    {
        var (code, output, error) = await RunAsync($"bugreport --file {file}");

        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.Matches($"^error: bugreport: cannot write {file} \\(.+\\); --file says another place, --file - the standard output$", Assert.Single(Lines(error)));
    }

    [Theory]
    [InlineData("service list --help", "INTERNAL", "left to the stack", "AFFINITY")]
    [InlineData("backend list --help", "STATE", "passed-over", "ON NODE")]
    [InlineData("trace --help", "so many seconds; 0 for never", "picked", "ebpf-proxy trace --service", "Exit code 1")]
    public async Task The_help_of_a_list_says_what_its_columns_mean(string line, params string[] words)
    {
        var (code, output, _) = await RunAsync(line);

        Assert.Equal(0, code);
        Assert.All(words, word => Assert.Contains(word, output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_help_of_a_group_says_which_arguments_can_be_left_out()
    {
        var (_, output, _) = await RunAsync("service --help");

        Assert.Contains("  list [<service>]  List the services\n  show <service>    Show one Service", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_help_of_all_has_a_line_for_each_command_and_the_exit_codes()
    {
        var (code, output, _) = await RunAsync("--help");

        Assert.Equal(0, code);
        Assert.Contains("Exit codes: 0", output, StringComparison.Ordinal);
        Assert.Contains("\n  sockets [<service>]           List", output, StringComparison.Ordinal);
        Assert.Contains("\n  explain <from> <to>           Say", output, StringComparison.Ordinal);
        Assert.DoesNotContain("ebpf-proxy trace --service", output, StringComparison.Ordinal);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static async Task<(int Code, string Output, string Error)> RunAsync(string line)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        using var error = new StringWriter(CultureInfo.InvariantCulture);
        int code = await Cli.RunAsync(line.Split(' '), output, error);
        return (code, output.ToString(), error.ToString());
    }
}
