using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Model.Tests.Tables;

public class AddressRolesTests
{
    private readonly Address _address = Samples.Ip("10.0.0.1");
    private readonly AddressRoles _roles = new();

    [Fact]
    public void A_role_counts_from_its_first_giver_to_its_last()
    {
        Assert.True(_roles.Add(_address, AddressRole.Backend));
        Assert.False(_roles.Add(_address, AddressRole.Backend));
        Assert.False(_roles.Remove(_address, AddressRole.Backend));
        Assert.Equal(AddressRole.Backend, _roles.RolesOf(_address));

        Assert.True(_roles.Remove(_address, AddressRole.Backend));

        Assert.Equal(AddressRole.None, _roles.RolesOf(_address));
        Assert.Equal(0, _roles.Count);
    }

    [Fact]
    public void Several_roles_are_counted_each_by_itself()
    {
        _roles.Add(_address, AddressRole.Backend);
        _roles.Add(_address, AddressRole.Backend);
        Assert.True(_roles.Add(_address, AddressRole.External));
        Assert.False(_roles.Add(_address, AddressRole.External));
        Assert.False(_roles.Remove(_address, AddressRole.External));
        Assert.True(_roles.Remove(_address, AddressRole.External));
        Assert.Equal(AddressRole.Backend, _roles.RolesOf(_address));

        Assert.False(_roles.Remove(_address, AddressRole.Backend));
        Assert.True(_roles.Remove(_address, AddressRole.Backend));

        Assert.Equal(0, _roles.Count);
    }

    [Fact]
    public void Taking_away_what_was_not_given_is_an_error()
    {
        _roles.Add(_address, AddressRole.Backend);

        Assert.Throws<InvalidOperationException>(() => _roles.Remove(_address, AddressRole.Node));
        Assert.Throws<InvalidOperationException>(() => _roles.Remove(Samples.Ip("10.0.0.2"), AddressRole.Backend));
        Assert.Throws<ArgumentOutOfRangeException>(() => _roles.Add(_address, AddressRole.Backend | AddressRole.Node));
        Assert.Throws<ArgumentOutOfRangeException>(() => _roles.Add(Samples.Ip("10.0.0.3"), AddressRole.None));
        Assert.Equal(1, _roles.Count);
    }
}
