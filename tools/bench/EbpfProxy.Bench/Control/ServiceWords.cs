using System.Runtime.CompilerServices;
using System.Text;
using LibBpfSharp;

namespace EbpfProxy.Bench.Control;

/// <summary>The words of the services table by which programs find a service's endpoints, in this process's memory.</summary>
internal sealed class ServiceWords : IDisposable
{
    private readonly BpfMap _map;
    private readonly BpfMappedArray<Row> _rows;
    private readonly Dictionary<string, int> _ids = [];

    public ServiceWords(string tables)
    {
        _map = BpfMap.OpenPinned(Path.Combine(tables, "services"));
        _rows = new BpfArrayMap<Row>(_map).MemoryMap();
        using var names = BpfMap.OpenPinned(Path.Combine(tables, "names"));
        var array = new BpfArrayMap<NameRow>(names);
        var rows = new NameRow[array.Length];
        array.Read(0, rows);
        for (int id = 0; id < rows.Length; id++)
        {
            // The namespace takes the first 64 bytes.
            var text = ((ReadOnlySpan<byte>)rows[id])[64..128].TrimEnd((byte)0);
            if (!text.IsEmpty)
            {
                _ids[Encoding.UTF8.GetString(text)] = id;
            }
        }
    }

    public int IdOf(string service) => _ids[service];

    public ulong Read(int id) => Volatile.Read(ref _rows[id][0]);

    public void Dispose()
    {
        _rows.Dispose();
        _map.Dispose();
    }

    [InlineArray(4)]
    private struct Row
    {
        private ulong _internal;
    }

    [InlineArray(200)]
    private struct NameRow
    {
        private byte _first;
    }
}
