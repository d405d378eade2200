using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>An endpoint set and its place in the table.</summary>
internal readonly record struct PlacedSet(uint Begin, uint Length, bool IsNew);

/// <summary>The words of a service, each of which says for itself what one class of traffic gets.</summary>
internal readonly record struct ServiceWords(ServiceValue Value)
{
    private const int ExternalOffset = 8;
    private const int ExternalNearOffset = 16;
    private const int SettingsOffset = 24;

    public static ServiceWords Empty => default;

    public static ServiceWords Read(IArrayTable<ServiceValue> table, uint service) => new(table.Read(service));

    public static ServiceWords From(PortTables desired, PlacedSet cluster, PlacedSet local)
    {
        return new ServiceWords(new ServiceValue(
            Word(desired.Verdicts.Internal),
            Word(desired.Verdicts.External),
            Word(desired.Verdicts.ExternalNear),
            desired.AffinitySeconds > 0 ? ServiceValue.AffinityFlag : 0,
            desired.AffinitySeconds));

        TrafficWord Word(Verdict verdict) => verdict switch
        {
            Verdict.Cluster => new TrafficWord(cluster.Begin, (int)cluster.Length, verdict),
            Verdict.Local => new TrafficWord(local.Begin, (int)local.Length, verdict),
            Verdict.Refuse or Verdict.Drop => new TrafficWord(0, 0, verdict),
        };
    }

    /// <summary>The word of a class of traffic that gets <paramref name="verdict"/>; an empty one where none does.</summary>
    public TrafficWord Find(Verdict verdict) =>
        Value.Internal.Verdict == verdict ? Value.Internal
        : Value.External.Verdict == verdict ? Value.External
        : Value.ExternalNear.Verdict == verdict ? Value.ExternalNear
        : default;

    /// <summary>The same where nobody is to come from outside.</summary>
    public ServiceWords WithoutOutside()
    {
        var refuse = new TrafficWord(0, 0, Verdict.Refuse);
        return new ServiceWords(Value with { External = refuse, ExternalNear = refuse });
    }

    /// <summary>The places of the sets that the words name, each once.</summary>
    public SetExtents Extents()
    {
        var extents = default(SetExtents);
        extents.Add(Value.Internal);
        extents.Add(Value.External);
        extents.Add(Value.ExternalNear);
        return extents;
    }

    /// <summary>Writes the words that differ from <paramref name="current"/>, affinity settings first.</summary>
    public void Write(IArrayTable<ServiceValue> table, uint service, ServiceWords current)
    {
        table.EnsureCapacity(service + 1);
        WriteIfChanged(SettingsOffset, Settings(Value), Settings(current.Value));
        WriteIfChanged(0, Value.Internal.Bits, current.Value.Internal.Bits);
        WriteIfChanged(ExternalOffset, Value.External.Bits, current.Value.External.Bits);
        WriteIfChanged(ExternalNearOffset, Value.ExternalNear.Bits, current.Value.ExternalNear.Bits);

        void WriteIfChanged(int offset, ulong next, ulong now)
        {
            if (next != now)
            {
                table.WriteWord(service, offset, next);
            }
        }
    }

    private static ulong Settings(in ServiceValue value) => value.Flags | ((ulong)value.AffinitySeconds << 32);
}
