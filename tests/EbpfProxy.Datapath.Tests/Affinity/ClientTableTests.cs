using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Affinity;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Tests.Sync;
using EbpfProxy.Testing.Kernel;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.Datapath.Tests.Affinity;

/// <summary>Whose the sockets of a network namespace are.</summary>
public sealed class ClientTableTests : IDisposable
{
    private readonly ScratchNetworkNamespace _network = new();
    private readonly FakeHashTable<ulong, ClientValue> _rows = new("client", new Journal());
    private readonly ClientTable _clients;
    private readonly ulong _cookie;
    private bool _isGone;

    public ClientTableTests()
    {
        _clients = new ClientTable(_rows, new NetworkNamespaces(NullLogger.Instance));
        ulong cookie = 0;
        _network.Invoke(() => cookie = NetworkNamespaces.ReadCookie());
        _cookie = cookie;
        Run("ip link set lo up");
    }

    public void Dispose()
    {
        if (!_isGone)
        {
            _network.Dispose();
        }
    }

    [KernelFact]
    public void Namespace_is_a_client_by_its_one_address_of_each_family()
    {
        Run("ip addr add 10.9.8.7/32 dev lo && ip addr add fd00:9::7/128 dev lo");

        _clients.Update();

        Assert.Equal("10.9.8.7 fd00:9::7", Row());
    }

    [KernelFact]
    public void Second_address_of_a_family_makes_it_nobody_in_that_family()
    {
        Run("ip addr add 10.9.8.7/32 dev lo && ip addr add fd00:9::7/128 dev lo");
        _clients.Update();
        Run("ip addr add 10.9.8.8/32 dev lo");

        _clients.Update();
        Assert.Equal(":: fd00:9::7", Row());

        Run("ip addr del 10.9.8.7/32 dev lo");
        _clients.Update();
        Assert.Equal("10.9.8.8 fd00:9::7", Row());
    }

    [KernelFact]
    public void Namespace_without_an_address_and_the_nodes_own_are_in_no_row()
    {
        _clients.Update();

        Assert.False(_rows.TryRead(_cookie, out _));
        Assert.False(_rows.TryRead(NetworkNamespaces.ReadCookie(), out _));
    }

    [KernelFact]
    public void Row_goes_with_its_namespace()
    {
        Run("ip addr add 10.9.8.7/32 dev lo");
        _clients.Update();
        Assert.True(_rows.TryRead(_cookie, out _));
        _network.Dispose();
        _isGone = true;

        _clients.Update();

        Assert.False(_rows.TryRead(_cookie, out _));
    }

    private string Row()
    {
        Assert.True(_rows.TryRead(_cookie, out var row), "no row");
        return $"{row.IPv4.ToAddress()} {row.IPv6.ToAddress()}";
    }

    private void Run(string script)
    {
        var result = _network.Run(script);
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
