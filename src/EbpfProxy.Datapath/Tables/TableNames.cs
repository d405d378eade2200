namespace EbpfProxy.Datapath.Tables;

/// <summary>The names of the maps in bpf/include/maps.h, connection_maps.h and trace_maps.h, which are the names of their pins as well.</summary>
internal static class TableNames
{
    public const string Addresses = "addresses";
    public const string Frontends = "frontends";
    public const string Services = "services";
    public const string Sets = "sets";
    public const string Backends = "backends";
    public const string Names = "names";
    public const string Tallies = "tallies";
    public const string Clients = "clients";
    public const string Affinity = "affinity";
    public const string Ranges = "ranges";
    public const string Peers = "peers";
    public const string Devices = "devices";
    public const string AddressHints = "address_hints";
    public const string Tunnels = "tunnels";
    public const string ServicePrefixes = "service_prefixes";
    public const string Tracked = "tracked";
    public const string Connections = "connections";
    public const string Flows = "flows";
    public const string FreeConnections = "free_connections";
    public const string Unanswered = "unanswered";
    public const string Fragments = "fragments";
    public const string Closing = "closing";
    public const string HeldFragments = "held_fragments";
    public const string RefusalBudget = "refusal_budget";
    public const string PathStates = "path_states";
    public const string ConnectionLocks = "connection_locks";
    public const string Counters = "counters";
    public const string TraceFilters = "trace_filters";
    public const string TraceEvents = "trace_events";
    public const string TraceLosses = "trace_losses";

    /// <summary>The map through which the programs reach a table, so that a larger one can take its place.</summary>
    public static string Slot(string table) => table + "_slot";
}
