using Microsoft.AspNetCore.Http;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>Writes the body of an answer, counts its bytes, and cuts the connection where it was asked to.</summary>
internal sealed class CountedBody(HttpContext context, long cutAfter, Action<long> count)
{
    private long _written;

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        bool isCut = _written + bytes.Length > cutAfter;
        if (isCut)
        {
            bytes = bytes[..(int)(cutAfter - _written)];
        }

        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        _written += bytes.Length;
        count(bytes.Length);
        if (isCut)
        {
            await FlushAsync();
            context.Abort();
            throw new OperationCanceledException("the connection is cut");
        }
    }

    public Task FlushAsync() => context.Response.Body.FlushAsync(context.RequestAborted);
}
