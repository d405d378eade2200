using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Devices;

/// <summary>The source that a network namespace's sockets have beyond its links, where there is but one to have.</summary>
public static class OnlyAddress
{
    /// <summary>
    /// Null where there is none, or several: routes decide between them then. One that may not be used at the moment counts:
    /// it soon may.
    /// </summary>
    public static Address? Of(IEnumerable<DeviceAddress> addresses, IpFamily family)
    {
        Address? only = null;
        foreach (var address in addresses)
        {
            if (address.Address.Family != family || !address.IsGlobal || address.Address == only)
            {
                continue;
            }

            if (only is not null)
            {
                return null;
            }

            only = address.Address;
        }

        return only;
    }
}
