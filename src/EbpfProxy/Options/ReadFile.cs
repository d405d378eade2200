using System.Security.Cryptography;
using System.Text;

namespace EbpfProxy.Options;

/// <summary>A file as it was when it was read.</summary>
internal sealed record ReadFile(string Path, string Hash)
{
    public static ReadFile Of(string path, string text) => new(path, Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
}
