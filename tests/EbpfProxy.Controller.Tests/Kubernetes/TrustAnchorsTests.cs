using System.Security.Cryptography.X509Certificates;
using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class TrustAnchorsTests : IDisposable
{
    private readonly TestAuthority _root = new("root");
    private readonly TestAuthority _intermediate;
    private readonly TestAuthority _other = new("root");

    public TrustAnchorsTests() => _intermediate = new("intermediate", _root);

    public void Dispose()
    {
        _intermediate.Dispose();
        _other.Dispose();
        _root.Dispose();
    }

    [Theory]
    [InlineData("root", true)]
    [InlineData("intermediate", true)]
    [InlineData("server", true)]
    [InlineData("other", false)]
    [InlineData("none", false)]
    public void A_chain_is_good_where_it_meets_any_certificate_that_is_trusted(string trusted, bool expected)
    {
        using var server = _intermediate.IssueServer("a.example");
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ExtraStore.Add(_intermediate.Certificate);
        chain.ChainPolicy.ExtraStore.Add(_root.Certificate);
        switch (trusted)
        {
            case "root": chain.ChainPolicy.CustomTrustStore.Add(_root.Certificate); break;
            case "intermediate": chain.ChainPolicy.CustomTrustStore.Add(_intermediate.Certificate); break;
            case "server": chain.ChainPolicy.CustomTrustStore.Add(server); break;
            case "other": chain.ChainPolicy.CustomTrustStore.Add(_other.Certificate); break;
        }

        chain.Build(server);

        Assert.Equal(expected, TrustAnchors.IsReached(chain));
    }

    [Fact]
    public void A_certificate_that_is_out_of_date_is_not_trusted_under_an_anchor()
    {
        using var server = _intermediate.IssueServer("a.example");
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(_intermediate.Certificate);
        chain.ChainPolicy.VerificationTime = DateTime.UtcNow.AddHours(13);

        chain.Build(server);

        Assert.False(TrustAnchors.IsReached(chain));
    }
}
