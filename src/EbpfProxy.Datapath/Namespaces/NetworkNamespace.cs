namespace EbpfProxy.Datapath.Namespaces;

/// <summary>A network namespace of the machine, as it was when it was looked for: it may be gone, but is never another one.</summary>
/// <param name="Inode">What tells it from others while it lives; used again when it is gone.</param>
/// <param name="Cookie">What programs know it by, and never used again; 0 before kernel 5.14, and where it may not be entered.</param>
/// <param name="Path">A file that stands for it.</param>
internal sealed record NetworkNamespace(ulong Inode, ulong Cookie, string Path);
