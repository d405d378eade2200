namespace EbpfProxy.Datapath.Programs;

/// <summary>The objects of bpf/, which this assembly carries inside.</summary>
internal static class EmbeddedObject
{
    public static byte[] Read(string resource)
    {
        using var stream = typeof(EmbeddedObject).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"the build left out {resource}");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
