namespace EbpfProxy.Controller.Cache;

/// <summary>
/// Hears of what comes into the cache before it is applied. Called while the cache is locked: it must return at once and
/// not call back.
/// </summary>
public interface IChangeListener
{
    /// <summary>A Service came in or went, whether or not that changes anything.</summary>
    void OnService();

    /// <summary>An EndpointSlice came in or went, whether or not that changes anything.</summary>
    void OnSlice();

    /// <summary>There is something to apply that was not there before.</summary>
    /// <param name="services">How many changes of Services wait.</param>
    /// <param name="slices">How many changes of EndpointSlices wait.</param>
    void OnPending(int services, int slices);
}
