using System.Buffers;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Endpoints;

/// <summary>
/// The endpoints of one Service port and family, of all slices: in ascending order of address and port, each once. The
/// memory is rented; <see cref="Dispose"/> hands it back.
/// </summary>
internal ref struct EndpointMerge : IDisposable
{
    private ServiceEndpoint[] _rented;
    private int _count;

    private EndpointMerge(int capacity) => _rented = capacity == 0 ? [] : ArrayPool<ServiceEndpoint>.Shared.Rent(capacity);

    public readonly ReadOnlySpan<ServiceEndpoint> Endpoints => _rented.AsSpan(0, _count);

    /// <summary>
    /// Joins endpoints and ports. Where an address and port stands twice, the later entry counts, unless it is terminating:
    /// an endpoint that moves between slices is in both for a while. The slices come in the order of their names, so that
    /// what is later is no accident.
    /// </summary>
    public static EndpointMerge Of(ReadOnlySpan<EndpointSlice> slices, IpFamily family, string portName, Protocol protocol)
    {
        var merge = new EndpointMerge(Count(slices, family, portName, protocol));
        foreach (var slice in slices)
        {
            if (slice.Family != family)
            {
                continue;
            }

            foreach (ref readonly var port in slice.Ports.AsSpan())
            {
                if (Matches(port, portName, protocol))
                {
                    merge.Append(slice.Endpoints.AsSpan(), port.Port);
                }
            }
        }

        merge.SortAndFold();
        return merge;
    }

    public void Dispose()
    {
        if (_rented.Length > 0)
        {
            Array.Clear(_rented, 0, _count);
            ArrayPool<ServiceEndpoint>.Shared.Return(_rented);
            _rented = [];
            _count = 0;
        }
    }

    private static int Count(ReadOnlySpan<EndpointSlice> slices, IpFamily family, string portName, Protocol protocol)
    {
        int count = 0;
        foreach (var slice in slices)
        {
            if (slice.Family != family)
            {
                continue;
            }

            foreach (ref readonly var port in slice.Ports.AsSpan())
            {
                count += Matches(port, portName, protocol) ? slice.Endpoints.AsSpan().Length : 0;
            }
        }

        return count;
    }

    private static bool Matches(in EndpointPort port, string name, Protocol protocol) =>
        port.Protocol == protocol && port.Name == name;

    private void Append(ReadOnlySpan<Endpoint> endpoints, ushort port)
    {
        foreach (ref readonly var endpoint in endpoints)
        {
            _rented[_count] = new ServiceEndpoint(endpoint, port, _count);
            _count++;
        }
    }

    private void SortAndFold()
    {
        var all = _rented.AsSpan(0, _count);
        all.Sort();
        int kept = 0;
        for (int i = 0; i < all.Length; i++)
        {
            if (kept == 0 || !all[kept - 1].IsSameAs(all[i]))
            {
                all[kept++] = all[i];
            }
            else if (!all[i].IsTerminating)
            {
                all[kept - 1] = all[i];
            }
        }

        // What stays behind the end would keep its hints alive in the pool.
        all[kept..].Clear();
        _count = kept;
    }
}
