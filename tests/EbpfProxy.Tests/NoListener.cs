using EbpfProxy.Controller.Cache;

namespace EbpfProxy.Tests;

internal sealed class NoListener : IChangeListener
{
    public void OnService()
    {
    }

    public void OnSlice()
    {
    }

    public void OnPending(int services, int slices)
    {
    }
}
