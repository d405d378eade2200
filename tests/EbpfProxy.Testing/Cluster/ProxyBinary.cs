using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>The native binary, as it is shipped.</summary>
public static class ProxyBinary
{
    private const string Variable = "EBPF_PROXY";

    /// <summary>The binary that EBPF_PROXY names, else the one that <c>make build</c> leaves.</summary>
    /// <exception cref="FileNotFoundException">It is not built.</exception>
    public static string Path { get; } = Find();

    private static string Find()
    {
        string path = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named
            ? named
            : System.IO.Path.Combine(Repository.Path ?? "", ".artifacts", "ebpf-proxy");
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"{path} is not there: run `make build`, or name the binary in {Variable}");
    }
}
