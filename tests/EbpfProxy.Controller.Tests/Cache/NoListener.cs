using EbpfProxy.Controller.Cache;

namespace EbpfProxy.Controller.Tests.Cache;

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
