using System.Text.Json;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Objects;

internal sealed partial class ServiceReader
{
    private void ReadPorts(ref Utf8JsonReader reader)
    {
        if (!EnterArray(ref reader, "spec.ports"))
        {
            return;
        }

        for (int i = 0; reader.NextElement(); i++)
        {
            if (Expect(ref reader, JsonTokenType.StartObject, new("spec.ports", i), "an object"))
            {
                ReadPort(ref reader, i);
            }
        }
    }

    private void ReadPort(ref Utf8JsonReader reader, int index)
    {
        const string Path = "spec.ports";
        string name = "";
        Protocol? protocol = Protocol.Tcp;
        uint? port = null;
        bool hasPort = false;
        uint nodePort = 0;
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("name"u8))
            {
                name = ReadString(ref reader, new(Path, index, "name")) ?? "";
            }
            else if (reader.ValueTextEquals("protocol"u8))
            {
                protocol = ReadProtocol(ref reader, new(Path, index, "protocol"));
            }
            else if (reader.ValueTextEquals("port"u8))
            {
                port = ReadNumber(ref reader, new(Path, index, "port"), 1, ushort.MaxValue);
                hasPort = reader.TokenType != JsonTokenType.Null;
            }
            else if (reader.ValueTextEquals("nodePort"u8))
            {
                nodePort = ReadNumber(ref reader, new(Path, index, "nodePort"), 0, ushort.MaxValue) ?? 0;
            }
            else
            {
                reader.Skip();
            }
        }

        if (!hasPort)
        {
            Report(new(Path, index, "port"), "is missing");
        }
        else if (protocol is { } known && port is { } number)
        {
            AddPort(new ServicePort(name, known, (ushort)number, (ushort)nodePort), index);
        }
    }

    private void AddPort(ServicePort port, int index)
    {
        if (_ports.Exists(other => other.Name == port.Name && other.Protocol == port.Protocol))
        {
            Report(new("spec.ports", index, "name"), $"\"{port.Name}\" is the name of an earlier {port.Protocol} port, too");
            return;
        }

        _ports.Add(port);
    }
}
