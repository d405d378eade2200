using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// The table of addresses. An address may be several things for several services; it is in the table as long as it is
/// one of them. What it no longer is, is written later and together (<see cref="Flush"/>): after a removal an insertion
/// has to wait for a grace period, and no change of endpoints shall wait for one before it.
/// </summary>
internal sealed class AddressBook(IHashTable<AddressKey, AddressInfo> table)
{
    private readonly AddressRoles _roles = new();

    /// <summary>The addresses whose row is behind, with what the row says.</summary>
    private Dictionary<Address, AddressRole> _behind = [];

    /// <summary>Whether additions wait for <see cref="Flush"/> too, to be written in batches.</summary>
    public bool IsDeferring { get; set; }

    /// <summary>Says that programs may meet an address from now on, before <see cref="Add"/>, which may wait.</summary>
    public void Expect(Address address) => table.Expect(AddressKey.From(address));

    public void Add(Address address, AddressRole role)
    {
        var before = _roles.RolesOf(address);
        if (_roles.Add(address, role))
        {
            _behind.TryAdd(address, before);
            if (!IsDeferring)
            {
                Write(address);
            }
        }
    }

    public void Remove(Address address, AddressRole role)
    {
        var before = _roles.RolesOf(address);
        if (_roles.Remove(address, role))
        {
            _behind.TryAdd(address, before);
        }
    }

    /// <summary>Counts what an earlier run wrote, without a write.</summary>
    public void Adopt(Address address, AddressRole role) => _roles.Add(address, role);

    /// <summary>Brings every row up to date: first what is new, in batches, then what changed, then what goes.</summary>
    public void Flush()
    {
        if (_behind.Count == 0)
        {
            return;
        }

        Address[] added = [.. _behind.Where(row => row.Value == AddressRole.None).Select(row => row.Key).Where(IsKnown)];
        table.AddBatch(Array.ConvertAll(added, AddressKey.From), Array.ConvertAll(added, InfoOf));
        foreach (var address in added)
        {
            _behind.Remove(address);
        }

        Address[] others = [.. _behind.Keys];
        Array.ForEach([.. others.Where(IsKnown)], Write);
        Array.ForEach([.. others.Where(address => !IsKnown(address))], Write);

        // A dictionary keeps the room of its largest size; the first change is far larger than what follows.
        _behind = [];
    }

    /// <summary>Makes the table hold what was counted and nothing else, at the cost of reading all of it.</summary>
    public void Repair()
    {
        // Only the table itself knows what an earlier run left in it.
        _behind = [];
        int known = 0;
        foreach (var (key, value) in table.ReadAll())
        {
            var address = key.ToAddress();
            var roles = _roles.RolesOf(address);
            known += roles == AddressRole.None ? 0 : 1;
            if ((AddressRole)value.Roles != roles)
            {
                _behind[address] = (AddressRole)value.Roles;
            }
        }

        if (known < _roles.Count)
        {
            var held = table.ReadAll().Select(row => row.Key.ToAddress()).ToHashSet();
            foreach (var address in _roles.Addresses.Where(address => !held.Contains(address)))
            {
                _behind[address] = AddressRole.None;
            }
        }

        Flush();
    }

    /// <summary>Makes room for <paramref name="count"/> addresses.</summary>
    public void EnsureCapacity(uint count)
    {
        table.EnsureCapacity(count);
        _roles.EnsureCapacity((int)count);
    }

    private bool IsKnown(Address address) => _roles.RolesOf(address) != AddressRole.None;

    private AddressInfo InfoOf(Address address) => new((uint)_roles.RolesOf(address), 0);

    private void Write(Address address)
    {
        if (!_behind.Remove(address, out var held) || held == _roles.RolesOf(address))
        {
            return;
        }

        if (IsKnown(address))
        {
            table.Put(AddressKey.From(address), InfoOf(address));
        }
        else
        {
            table.Remove(AddressKey.From(address));
        }
    }
}
