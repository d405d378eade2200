using EbpfProxy.Testing.Kernel;
using k8s;
using k8s.Models;

namespace EbpfProxy.Deploy.Tests;

/// <summary>A kustomization below deploy/, as kustomize renders it.</summary>
internal sealed class Overlay
{
    private static readonly Dictionary<string, Type> _ofOperator = new()
    {
        ["monitoring.coreos.com/v1/PodMonitor"] = typeof(PodMonitor),
        ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(PrometheusRule),
    };

    private Overlay(string name, IReadOnlyList<object> objects)
    {
        Name = name;
        Objects = objects;
    }

    public static string Root { get; } = Path.Combine(
        Repository.Path ?? throw new InvalidOperationException("the tests are not in the repository"), "deploy");

    public static TheoryData<string> Names => [.. Directory.EnumerateDirectories(Path.Combine(Root, "overlays")).Select(folder => Path.GetFileName(folder)).Order()];

    /// <summary>Those that run the proxy.</summary>
    public static TheoryData<string> Proxies => [.. Names.Select(row => row.Data).Where(name => name is not ("uninstall" or "handback"))];

    public string Name { get; }

    public IReadOnlyList<object> Objects { get; }

    public V1DaemonSet Proxy => One<V1DaemonSet>("ebpf-proxy");

    public V1Container Daemon => Proxy.Spec.Template.Spec.Containers.Single();

    public V1Container Init => Proxy.Spec.Template.Spec.InitContainers.Single();

    public static Overlay Render(string name) => RenderFolder(name, Path.Combine(Root, "overlays", name));

    /// <summary>A kustomization of somebody's own, outside of the repository.</summary>
    /// <param name="kustomization">Its text; DEPLOY stands for the folder deploy/.</param>
    /// <param name="files">What lies beside it.</param>
    public static Overlay RenderOwn(string kustomization, params IReadOnlyList<(string Name, string Text)> files)
    {
        var folder = Directory.CreateTempSubdirectory("ebpf-proxy-overlay-");
        try
        {
            // kustomize takes relative paths only.
            string path = Path.GetRelativePath(folder.FullName, Root);
            File.WriteAllText(Path.Combine(folder.FullName, "kustomization.yaml"), kustomization.Replace("DEPLOY", path, StringComparison.Ordinal));
            foreach (var (name, text) in files)
            {
                File.WriteAllText(Path.Combine(folder.FullName, name), text);
            }

            return RenderFolder("own", folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The base with components, by their names with commas between.</summary>
    public static Overlay RenderComponents(string components) => RenderOwn($"""
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        resources: [DEPLOY/base]
        components: [{string.Join(", ", components.Split(", ").Select(name => $"DEPLOY/components/{name}"))}]
        """);

    public T One<T>(string name)
        where T : IMetadata<V1ObjectMeta> => Objects.OfType<T>().Single(item => item.Metadata.Name == name);

    /// <summary>The data of the ConfigMap that the pods are told of.</summary>
    public V1ConfigMap ConfigMap(string start) =>
        Objects.OfType<V1ConfigMap>().Single(item => item.Metadata.Name.StartsWith(start, StringComparison.Ordinal));

    private static Overlay RenderFolder(string name, string folder)
    {
        string yaml = Shell.Require("""if command -v kustomize >/dev/null; then kustomize build "$1"; else kubectl kustomize "$1"; fi""", folder);
        return new Overlay(name, [.. KubernetesYaml.LoadAllFromString(yaml, _ofOperator, strict: true)]);
    }
}
