using Microsoft.AspNetCore.Http;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>Writes the body of an answer, counts its bytes, and cuts it where it was asked to.</summary>
internal sealed class CountedBody(HttpContext context, ApiFault.Cut? cut, Action<long> count)
{
    private long _written;

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        bool isCut = _written + bytes.Length > cut?.Bytes;
        if (isCut)
        {
            bytes = bytes[..(int)(cut!.Bytes - _written)];
        }

        // Before: who reads it may ask at once how many there were.
        count(bytes.Length);
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        _written += bytes.Length;
        if (isCut)
        {
            await FlushAsync();
            if (!cut!.LooksWhole)
            {
                context.Abort();
            }

            throw new OperationCanceledException("the answer is cut");
        }
    }

    public Task FlushAsync() => context.Response.Body.FlushAsync(context.RequestAborted);
}
