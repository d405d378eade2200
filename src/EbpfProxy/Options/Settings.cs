namespace EbpfProxy.Options;

/// <summary>All settings. kube-proxy's have its names.</summary>
internal static class Settings
{
    /// <summary>kube-proxy's, in the order of the fields of its object.</summary>
    public static IReadOnlyList<Setting> KubeProxy { get; } =
        [.. ServerSettings.All, .. ModeSettings.All, .. TrafficSettings.All, ProcessSettings.OutOfMemory, .. ConntrackSettings.All, .. ProcessSettings.All];

    public static IReadOnlyList<Setting> All { get; } = [.. KubeProxy, .. OwnSettings.All];
}
