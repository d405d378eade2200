namespace LibBpfSharp;

/// <summary>The types of maps, numbered as in <c>enum bpf_map_type</c>; later ones can be cast.</summary>
public enum BpfMapType : uint
{
    /// <summary>No type.</summary>
    Unspecified = 0,

    /// <summary>A hash table.</summary>
    Hash = 1,

    /// <summary>An array, indexed from 0; elements are always there, at first zero.</summary>
    Array = 2,

    /// <summary>Programs to tail-call.</summary>
    ProgramArray = 3,

    /// <summary>Perf events, one for each CPU.</summary>
    PerfEventArray = 4,

    /// <summary>A hash table with a value for each CPU.</summary>
    PerCpuHash = 5,

    /// <summary>An array with a value for each CPU.</summary>
    PerCpuArray = 6,

    /// <summary>Stack traces.</summary>
    StackTrace = 7,

    /// <summary>Cgroups, to ask whether a socket is below one.</summary>
    CgroupArray = 8,

    /// <summary>A hash table that evicts what was not used lately.</summary>
    LruHash = 9,

    /// <summary>An evicting hash table with a value for each CPU.</summary>
    LruPerCpuHash = 10,

    /// <summary>Longest-prefix match; a key begins with its length in bits (32 bits).</summary>
    LpmTrie = 11,

    /// <summary>An array whose elements are maps.</summary>
    ArrayOfMaps = 12,

    /// <summary>A hash table whose values are maps.</summary>
    HashOfMaps = 13,

    /// <summary>Devices to redirect packets to, by index.</summary>
    DevMap = 14,

    /// <summary>Sockets, by index.</summary>
    SockMap = 15,

    /// <summary>CPUs to redirect packets to.</summary>
    CpuMap = 16,

    /// <summary>AF_XDP sockets.</summary>
    XskMap = 17,

    /// <summary>Sockets, by key.</summary>
    SockHash = 18,

    /// <summary>Storage of a cgroup and program (superseded by CgrpStorage).</summary>
    CgroupStorage = 19,

    /// <summary>Sockets of SO_REUSEPORT groups.</summary>
    ReuseportSockArray = 20,

    /// <summary>Storage of a cgroup and program for each CPU.</summary>
    PerCpuCgroupStorage = 21,

    /// <summary>First in, first out.</summary>
    Queue = 22,

    /// <summary>Last in, first out.</summary>
    Stack = 23,

    /// <summary>Storage that belongs to a socket.</summary>
    SocketStorage = 24,

    /// <summary>Devices to redirect packets to, by key.</summary>
    DevMapHash = 25,

    /// <summary>A table of functions for the kernel.</summary>
    StructOps = 26,

    /// <summary>Records for user space (5.8 and later).</summary>
    RingBuffer = 27,

    /// <summary>Storage that belongs to an inode.</summary>
    InodeStorage = 28,

    /// <summary>Storage that belongs to a task.</summary>
    TaskStorage = 29,

    /// <summary>A set that may answer yes wrongly.</summary>
    BloomFilter = 30,

    /// <summary>Records from user space.</summary>
    UserRingBuffer = 31,

    /// <summary>Storage that belongs to a cgroup.</summary>
    CgrpStorage = 32,

    /// <summary>Memory shared with user space.</summary>
    Arena = 33,
}
