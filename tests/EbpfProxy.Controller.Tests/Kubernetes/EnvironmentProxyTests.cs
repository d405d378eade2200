using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

[Collection(typeof(AloneInTheProcess))]
public sealed class EnvironmentProxyTests
{
    [Theory]
    [InlineData("Basic", "user")]
    [InlineData("Negotiate", null)]
    [InlineData("NTLM", null)]
    public void The_user_of_an_address_is_none_of_a_domain(string authType, string? expected) =>
        Assert.Equal(expected, new UserInfoCredentials().GetCredential(new Uri("http://user:pass@proxy.example:3128"), authType)?.UserName);

    [Theory]
    [InlineData("https://api.example:6443", "", "http://proxy.example:3128/")]
    [InlineData("http://api.example:8080", "", "http://plain.example:80/")]
    [InlineData("https://127.0.0.1:6443", "", null)]
    [InlineData("https://127.9.0.1:6443", "", null)]
    [InlineData("https://[::1]:6443", "", null)]
    [InlineData("https://localhost:6443", "", null)]
    [InlineData("https://10.96.0.1", "10.96.0.0/12", null)]
    [InlineData("https://10.112.0.1", "10.96.0.0/12", "http://proxy.example:3128/")]
    [InlineData("https://[fd00:96::1]", "10.96.0.0/12, fd00:96::/112", null)]
    [InlineData("https://10.96.0.1", "10.96.0.1", null)]
    [InlineData("https://10.96.0.1:6443", "10.96.0.1:443", "http://proxy.example:3128/")]
    [InlineData("https://10.96.0.1:6443", "10.96.0.1:6443", null)]
    [InlineData("https://[fd00::1]:6443", "[fd00::1]:6443", null)]
    [InlineData("https://[fd00::1]:6443", "fd00::1", null)]
    [InlineData("https://api.example:6443", "example", null)]
    [InlineData("https://API.Example:6443", ".EXAMPLE", null)]
    [InlineData("https://example:6443", ".example", "http://proxy.example:3128/")]
    [InlineData("https://example:6443", "example", null)]
    [InlineData("https://api.example:6443", "*.example:6443", null)]
    [InlineData("https://api.example:6443", "*.example:443", "http://proxy.example:3128/")]
    [InlineData("https://notexample:6443", "example, :6443, ,", "http://proxy.example:3128/")]
    [InlineData("https://api.example:6443", "*", null)]
    public void It_is_the_one_that_Go_would_take(string server, string exceptions, string? expected)
    {
        var proxy = new EnvironmentProxy(name => name switch
        {
            "HTTPS_PROXY" => "http://proxy.example:3128",
            "http_proxy" => "plain.example",
            "NO_PROXY" => exceptions,
            _ => null,
        });

        Assert.Equal(expected is null ? null : new Uri(expected), proxy.GetProxy(new Uri(server)));
        Assert.Equal(expected is null, proxy.IsBypassed(new Uri(server)));
    }

    [Fact]
    public void Without_a_word_there_is_none() =>
        Assert.True(new EnvironmentProxy(_ => null).IsBypassed(new Uri("https://api.example")));

    [Fact]
    public async Task A_server_on_this_machine_is_asked_without_it()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        Environment.SetEnvironmentVariable("HTTP_PROXY", "http://127.0.0.1:9");
        try
        {
            await using var source = RunningSource.At(server);

            await source.WaitForSyncAsync();
        }
        finally
        {
            Environment.SetEnvironmentVariable("HTTP_PROXY", null);
        }
    }
}
