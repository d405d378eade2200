using System.Text;

namespace EbpfProxy.Http;

/// <summary>Answers of a few bytes.</summary>
internal static class Answer
{
    public static Task TextAsync(HttpResponse response, string text) =>
        BytesAsync(response, StatusCodes.Status200OK, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text));

    public static Task BytesAsync(HttpResponse response, int status, string type, byte[] body)
    {
        response.StatusCode = status;
        response.ContentType = type;
        response.ContentLength = body.Length;
        response.Headers.XContentTypeOptions = "nosniff";
        return response.Body.WriteAsync(body).AsTask();
    }

    public static Task NotFoundAsync(HttpResponse response) =>
        BytesAsync(response, StatusCodes.Status404NotFound, "text/plain; charset=utf-8", "404 page not found\n"u8.ToArray());
}
