using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>What makes no sense is told in one line, and takes nothing down.</summary>
public sealed class BadManifestTests(ServiceStage stage) : IClassFixture<ServiceStage>
{
    private static readonly ManifestService _bad = new("bad", "10.96.0.40", Port, BackendPort, "10.244.1.11");

    /// <summary>A file, and words that the line about it has.</summary>
    public static TheoryData<string, string, string[]> Files => new()
    {
        { "broken", "kind: Service\n  apiVersion: [v1\n", ["broken.yaml:"] },
        { "address", _bad.ServiceJson().Replace("10.96.0.40", "10.96.0.400", StringComparison.Ordinal), ["Service", "default/bad", "spec.clusterIP", "10.96.0.400"] },
        { "port", _bad.ServiceJson().Replace("\"port\":80", "\"port\":80000", StringComparison.Ordinal), ["Service", "default/bad", "spec.ports[0].port", "80000"] },
        { "name", _bad.ServiceJson().Replace("\"bad\"", $"\"{new string('x', 70)}\"", StringComparison.Ordinal), ["Service", "xxx", "metadata.name"] },
        { "protocol", _bad.ServiceJson().Replace("\"TCP\"", "\"DCCP\"", StringComparison.Ordinal), ["Service", "default/bad", "spec.ports[0].protocol", "DCCP"] },
        { "label", _bad.SliceJson().Replace("kubernetes.io/service-name", "other", StringComparison.Ordinal), ["EndpointSlice", "default/bad-1", "metadata.labels"] },
        { "endpoint", _bad.SliceJson().Replace("10.244.1.11", "nowhere", StringComparison.Ordinal), ["EndpointSlice", "default/bad-1", "endpoints[0].addresses[0]", "nowhere"] },
    };

    [KernelTheory]
    [MemberData(nameof(Files))]
    public void Bad_manifest_is_told_in_one_line_and_all_else_goes_on(string name, string text, string[] words)
    {
        stage.Node.Manifests.WriteText(name, text);
        string told = stage.Proxy.WaitForLog(line => words.All(word => line.Contains(word, StringComparison.Ordinal)));
        stage.Node.Manifests.Write(new ManifestService("after-" + name, "10.96.0.41", Port, BackendPort, stage.A.IPv4));
        stage.WaitForService("after-" + name);

        // A frontend is in the tables a moment before its address is.
        Eventually.Succeeds(AssertAnswered, TimeSpan.FromSeconds(30));
        Assert.Equal(3, stage.Client.Place.Ask("tcp4", Web4, Port).Length);
        Assert.StartsWith("W", told, StringComparison.Ordinal);
        stage.Node.Manifests.Delete(name);
        stage.Node.Manifests.Delete("after-" + name);
        Eventually.Succeeds(() => AssertGone("after-" + name), TimeSpan.FromSeconds(30));
    }

    private void AssertAnswered()
    {
        try
        {
            Assert.All(stage.Client.Place.Ask("tcp4", "10.96.0.41", Port), answer => Assert.Equal("a/8080", answer.Name));
        }
        catch (Xunit.Sdk.XunitException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    private void AssertGone(string service)
    {
        if (stage.Node.ReadServices().Any(row => row.Key.Service.Name == service))
        {
            throw new IOException($"{service} is still there");
        }
    }
}
