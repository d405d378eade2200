namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>The ways to reach a service.</summary>
public enum Frontend
{
    ClusterIP,
    NodePort,
    ExternalIP,
    LoadBalancer,
}

/// <summary>A service of the stage in both families, and where it is reached: all by its number.</summary>
internal sealed record Service(string Name, int Number)
{
    public const int Port = 80;

    public string NameOf(int family) => family == 4 ? Name : Name + "-6";

    public int NodePort(int family) => (family == 4 ? 30000 : 31000) + Number;

    /// <summary>Its own address; a node port has none.</summary>
    public string Address(Frontend frontend, int family) => (frontend, family) switch
    {
        (Frontend.ClusterIP, 4) => $"10.96.0.{Number}",
        (Frontend.ClusterIP, _) => $"fd00:96::{Number:x}",
        (Frontend.ExternalIP, 4) => $"198.51.100.{Number}",
        (Frontend.ExternalIP, _) => $"fd00:51::{Number:x}",
        (Frontend.LoadBalancer, 4) => $"203.0.113.{Number}",
        (Frontend.LoadBalancer, _) => $"fd00:1b::{Number:x}",
        (Frontend.NodePort, _) => throw new ArgumentOutOfRangeException(nameof(frontend)),
        _ => throw new ArgumentOutOfRangeException(nameof(frontend)),
    };
}
