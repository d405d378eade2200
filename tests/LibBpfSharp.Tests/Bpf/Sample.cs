namespace LibBpfSharp.Tests;

/// <summary>The objects under <c>Bpf/</c>, compiled beside the test assembly.</summary>
internal static class Sample
{
    public static readonly byte[] Elf = Read("sample");

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Bpf", $"{name}.bpf.o"));

    public static BpfObject Open() => BpfObject.Open(Elf, "sample");

    public static BpfObject Load(Action<BpfObject>? adjust = null)
    {
        var sample = Open();
        try
        {
            adjust?.Invoke(sample);
            sample.Load();
            return sample;
        }
        catch
        {
            sample.Dispose();
            throw;
        }
    }

    /// <summary>A packet of the given length whose content does not matter.</summary>
    public static byte[] Packet(int length) => new byte[length];
}

/// <summary>Mirrors <c>struct pair</c>.</summary>
internal readonly record struct Pair(uint First, uint Second);
