using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tables;

/// <summary>The bits of <c>enum address_role</c>: what an address is to the datapath.</summary>
[Flags]
public enum AddressRole : byte
{
    None = 0,

    /// <summary>A port that no service has is refused.</summary>
    ClusterIP = 1 << 0,

    /// <summary>An external IP or load-balancer address.</summary>
    External = 1 << 1,

    /// <summary>An address of this node that accepts node ports.</summary>
    Node = 1 << 2,

    /// <summary>An endpoint's own address.</summary>
    Backend = 1 << 3,

    /// <summary>A device of the node holds it: left to the stack.</summary>
    OnDevice = 1 << 4,
}

/// <summary>
/// Counts who gives an address which role, so that a writer knows when the address's entry changes. Not thread-safe.
/// </summary>
/// <remarks>
/// Nearly every address has one role, so an address costs eight bytes beside its key; the counts of the few that have
/// several stand in a table of their own.
/// </remarks>
public sealed class AddressRoles
{
    private const int RoleCount = 5;

    private readonly Dictionary<Address, Uses> _uses = [];
    private readonly Dictionary<Address, int[]> _mixed = [];

    /// <summary>How many addresses have a role.</summary>
    public int Count => _uses.Count;

    public AddressRole RolesOf(Address address) => _uses.TryGetValue(address, out var uses) ? uses.Roles : AddressRole.None;

    /// <summary>Makes room for that many addresses at once.</summary>
    public void EnsureCapacity(int count) => _uses.EnsureCapacity(count);

    /// <summary>Counts one more giver of the role.</summary>
    /// <returns>Whether the address's roles changed.</returns>
    public bool Add(Address address, AddressRole role)
    {
        int index = IndexOf(role);
        ref var uses = ref CollectionsMarshal.GetValueRefOrAddDefault(_uses, address, out _);
        var before = uses.Roles;
        if (before == AddressRole.None || before == role)
        {
            uses = new Uses(uses.Count + 1, role);
            return before != role;
        }

        if (!_mixed.TryGetValue(address, out int[]? counts))
        {
            counts = new int[RoleCount];
            counts[IndexOf(before)] = uses.Count;
            _mixed.Add(address, counts);
        }

        counts[index]++;
        uses = new Uses(0, before | role);
        return (before & role) == 0;
    }

    /// <summary>Takes one giver of the role away.</summary>
    /// <returns>Whether the address's roles changed.</returns>
    /// <exception cref="InvalidOperationException">The address does not have the role.</exception>
    public bool Remove(Address address, AddressRole role)
    {
        int index = IndexOf(role);
        ref var uses = ref CollectionsMarshal.GetValueRefOrNullRef(_uses, address);
        if (Unsafe.IsNullRef(ref uses) || (uses.Roles & role) == 0)
        {
            throw new InvalidOperationException($"{address} does not have the role {role}.");
        }

        if (uses.Roles == role)
        {
            return RemoveOnly(address, ref uses);
        }

        int[] counts = _mixed[address];
        if (--counts[index] > 0)
        {
            return false;
        }

        var left = uses.Roles & ~role;
        uses = new Uses(0, left);
        if (IsSingle(left))
        {
            uses = new Uses(counts[IndexOf(left)], left);
            _mixed.Remove(address);
        }

        return true;
    }

    private bool RemoveOnly(Address address, ref Uses uses)
    {
        if (uses.Count > 1)
        {
            uses = uses with { Count = uses.Count - 1 };
            return false;
        }

        _uses.Remove(address);
        return true;
    }

    private static int IndexOf(AddressRole role)
    {
        int index = BitOperations.TrailingZeroCount((uint)role);
        return IsSingle(role) && index < RoleCount ? index : throw new ArgumentOutOfRangeException(nameof(role), role, "Not one role.");
    }

    private static bool IsSingle(AddressRole roles) => BitOperations.IsPow2((uint)roles);

    /// <param name="Count">How often the role was given, while the address has only one.</param>
    /// <param name="Roles">The roles of the address.</param>
    private readonly record struct Uses(int Count, AddressRole Roles);
}
