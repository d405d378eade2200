using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>The native binary as on a kernel without tcx (before 6.6), whose way to devices is clsact.</summary>
internal static class BinaryWithoutTcx
{
    /// <summary>A script that runs it.</summary>
    public static string Path { get; } = Make();

    private static string Make()
    {
        string path = System.IO.Path.Combine(AppContext.BaseDirectory, "ebpf-proxy-without-tcx");
        string library = System.IO.Path.Combine(AppContext.BaseDirectory, "without_tcx.so");
        File.WriteAllText(path, $"#!/bin/sh\nLD_PRELOAD='{library}' exec '{ProxyBinary.Path}' \"$@\"\n");
        Shell.Require("chmod +x \"$1\"", path);
        return path;
    }
}
