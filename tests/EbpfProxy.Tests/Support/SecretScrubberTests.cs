using EbpfProxy.Support;

namespace EbpfProxy.Tests.Support;

public sealed class SecretScrubberTests
{
    [Theory]
    [InlineData("token: abc", "token: <removed>")]
    [InlineData("\"clientToken\": \"a b\", \"x\": 1", "\"clientToken\": <removed>, \"x\": 1")]
    [InlineData("--bearer-token=abc --v=2", "--bearer-token=<removed> --v=2")]
    [InlineData("PASSWORD=abc", "PASSWORD=<removed>")]
    [InlineData("client-key-data: QUJD", "client-key-data: <removed>")]
    [InlineData("Authorization: Bearer abc.def", "Authorization: Bearer <removed>")]
    [InlineData("https://user:abc@server:6443/x", "https://<removed>@server:6443/x")]
    [InlineData("a eyJhbGciOi.eyJzdWIi.c2ln b", "a <removed> b")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nx", "<removed>\nx")]
    [InlineData("this-is-known stays not", "<removed> stays not")]
    [InlineData("https://10.0.0.1:6443 reason=no_endpoint", "https://10.0.0.1:6443 reason=no_endpoint")]
    public void Only_what_may_be_a_secret_is_taken_out(string text, string expected)
    {
        var scrubber = new SecretScrubber(["this-is-known", "short"]);

        Assert.Equal(expected, scrubber.Scrub(text));
    }
}
