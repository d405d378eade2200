namespace EbpfProxy.Controller.Manifests;

/// <summary>
/// The words that YAML 1.1, and Kubernetes' tools with it, has for true and false besides these two. Where text may stand they
/// are text to us (fastPath: off), so they are taken for a switch only where one is wanted.
/// </summary>
public static class YamlSwitch
{
    /// <summary>True or false; null for any other text.</summary>
    public static bool? Read(string text) => text switch
    {
        "yes" or "Yes" or "YES" or "on" or "On" or "ON" or "y" or "Y" => true,
        "no" or "No" or "NO" or "off" or "Off" or "OFF" or "n" or "N" => false,
        _ => null,
    };
}
