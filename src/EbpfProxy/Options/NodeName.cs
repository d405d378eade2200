using System.Net;

namespace EbpfProxy.Options;

/// <summary>The name of this node: what it was told, else the host's, trimmed and in lower case, as its Node object has it.</summary>
internal static class NodeName
{
    /// <summary>The host's whole name, as uname(2) has it: the Node object may be called by one with a domain.</summary>
    public static string OfHost => Dns.GetHostName();

    public static string From(string? hostnameOverride, string hostName, Problems problems)
    {
        string name = (hostnameOverride ?? hostName).Trim().ToLowerInvariant();
        if (name.Length == 0)
        {
            problems.Error("--hostname-override", hostnameOverride is null ? "must be set, as this host has no name" : "empty hostname-override is invalid");
        }

        return name;
    }
}
