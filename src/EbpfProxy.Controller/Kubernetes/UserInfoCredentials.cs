using System.Net;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>The user and password of a proxy that stand in its address, as Go takes them from there: for Basic and Digest alone.</summary>
internal sealed class UserInfoCredentials : ICredentials
{
    public NetworkCredential? GetCredential(Uri uri, string authType)
    {
        string[] parts = uri.UserInfo.Split(':', 2);
        return uri.UserInfo.Length == 0 || authType is not ("Basic" or "Digest")
            ? null
            : new NetworkCredential(Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
    }
}
