using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// The table of addresses. An address may be several things for several services; it is in the table as long as it is
/// one of them.
/// </summary>
internal sealed class AddressBook(IHashTable<AddressKey, AddressInfo> table)
{
    private readonly AddressRoles _roles = new();

    public void Add(Address address, AddressRole role)
    {
        if (_roles.Add(address, role))
        {
            Write(address);
        }
    }

    public void Remove(Address address, AddressRole role)
    {
        if (_roles.Remove(address, role))
        {
            Write(address);
        }
    }

    /// <summary>Counts what an earlier run wrote, without a write.</summary>
    public void Adopt(Address address, AddressRole role) => _roles.Add(address, role);

    /// <summary>Makes the table hold what was counted and nothing else, at the cost of reading all of it.</summary>
    public void Repair()
    {
        var wrong = new List<Address>();
        var seen = new HashSet<Address>();
        foreach (var (key, value) in table.ReadAll())
        {
            var address = key.ToAddress();
            seen.Add(address);
            if (value.Roles != (uint)_roles.RolesOf(address))
            {
                wrong.Add(address);
            }
        }

        foreach (var address in _roles.Addresses)
        {
            if (!seen.Contains(address))
            {
                wrong.Add(address);
            }
        }

        wrong.ForEach(Write);
    }

    /// <summary>Makes room for <paramref name="count"/> addresses.</summary>
    public void EnsureCapacity(uint count)
    {
        table.EnsureCapacity(count);
        _roles.EnsureCapacity((int)count);
    }

    private void Write(Address address)
    {
        var roles = _roles.RolesOf(address);
        if (roles == AddressRole.None)
        {
            table.Remove(AddressKey.From(address));
        }
        else
        {
            table.Put(AddressKey.From(address), new AddressInfo((uint)roles, 0));
        }
    }
}
