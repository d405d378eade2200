using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Sixty-four bytes of UTF-8, ended by a zero.</summary>
[InlineArray(Length)]
internal struct NameBytes
{
    public const int Length = 64;

    private byte _first;

    public static NameBytes From(string text)
    {
        // Longer names are no names of the API; one that comes all the same is cut, and found anew after a restart.
        NameBytes name = default;
        Utf8.FromUtf16(text, name[..(Length - 1)], out _, out _);
        return name;
    }

    public readonly string Text
    {
        get
        {
            ReadOnlySpan<byte> bytes = this;
            int end = bytes.IndexOf((byte)0);
            return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
        }
    }
}

/// <summary>Mirrors <c>struct service_name</c>. A family of 0 marks a free id.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct ServiceName
{
    public NameBytes NamespaceName;
    public NameBytes Service;
    public NameBytes Port;
    public byte Protocol;
    public byte Family;
    public ushort Reserved0;
    public uint Reserved1;

    public static ServiceName From(in ServiceKey key) => new()
    {
        NamespaceName = NameBytes.From(key.Service.Namespace),
        Service = NameBytes.From(key.Service.Name),
        Port = NameBytes.From(key.PortName),
        Protocol = (byte)key.Protocol,
        Family = (byte)key.Family,
    };

    public readonly ServiceKey ToKey() => new(
        new ObjectName(NamespaceName.Text, Service.Text), Port.Text, (Protocol)Protocol, (IpFamily)Family);
}
