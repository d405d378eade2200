using System.Globalization;
using System.Text;

namespace EbpfProxy.Bench.Control;

/// <summary>The Services and EndpointSlices of a cluster, as an API server writes them, down to the fields that nobody here reads.</summary>
internal sealed class Cluster(int services, int endpoints)
{
    private const string ManagedFields =
        """[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:internalTrafficPolicy":{},"f:ports":{},"f:selector":{},"f:sessionAffinity":{},"f:type":{}}}}]""";

    public int Services => services;

    public int Endpoints => endpoints;

    public string Name => FormattableString.Invariant($"{services}x{endpoints}");

    public byte[] ServiceList() => List("v1", "ServiceList", Service);

    public byte[] SliceList() => List("discovery.k8s.io/v1", "EndpointSliceList", i => Slice(i, endpoints, version: 1));

    public static byte[] EmptyList(string group, string kind) => new Cluster(0, 0).List(group, kind, _ => "");

    /// <summary>The slice of a service when it has so many endpoints.</summary>
    public static string Slice(int service, int count, int version)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""{"metadata":{"name":"{{ServiceName(service)}}-abcde","generateName":"{{ServiceName(service)}}-","namespace":"bench","uid":"{{Uid(service, 2)}}","resourceVersion":"{{version}}","generation":{{version}},"creationTimestamp":"2026-01-02T03:04:05Z","labels":{"app":"{{ServiceName(service)}}","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","kubernetes.io/service-name":"{{ServiceName(service)}}"},"ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"{{ServiceName(service)}}","uid":"{{Uid(service, 1)}}","controller":true,"blockOwnerDeletion":true}],"managedFields":{{ManagedFields}}},"addressType":"IPv4","endpoints":[""");
        for (int i = 0; i < count; i++)
        {
            string pod = FormattableString.Invariant($"{ServiceName(service)}-5d59d67564-{i:x5}");
            text.Append(i > 0 ? "," : "");
            text.Append(CultureInfo.InvariantCulture, $$"""{"addresses":["{{EndpointAddress(service, i)}}"],"conditions":{"ready":true,"serving":true,"terminating":false},"targetRef":{"kind":"Pod","namespace":"bench","name":"{{pod}}","uid":"{{Uid(service, i + 10)}}"},"nodeName":"node-{{i % 100}}","zone":"zone-{{i % 3}}"}""");
        }

        return text.Append("""],"ports":[{"name":"web","protocol":"TCP","port":8080}]}""").ToString();
    }

    public static string ServiceName(int service) => FormattableString.Invariant($"service-{service:d5}");

    private static string Service(int service)
    {
        string address = ServiceAddress(service);
        return $$"""{"metadata":{"name":"{{ServiceName(service)}}","namespace":"bench","uid":"{{Uid(service, 1)}}","resourceVersion":"1","creationTimestamp":"2026-01-02T03:04:05Z","labels":{"app":"{{ServiceName(service)}}"},"managedFields":{{ManagedFields}}},"spec":{"ports":[{"name":"web","protocol":"TCP","port":80,"targetPort":8080}],"selector":{"app":"{{ServiceName(service)}}"},"clusterIP":"{{address}}","clusterIPs":["{{address}}"],"type":"ClusterIP","sessionAffinity":"None","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","internalTrafficPolicy":"Cluster"},"status":{"loadBalancer":{} } }""";
    }

    private byte[] List(string group, string kind, Func<int, string> item)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""{"kind":"{{kind}}","apiVersion":"{{group}}","metadata":{"resourceVersion":"1"},"items":[""");
        for (int i = 0; i < services; i++)
        {
            text.Append(i > 0 ? "," : "").Append(item(i));
        }

        return Encoding.UTF8.GetBytes(text.Append("]}").ToString());
    }

    private static string ServiceAddress(int service) =>
        FormattableString.Invariant($"10.{96 + (service >> 16)}.{(service >> 8) & 255}.{service & 255}");

    /// <summary>Sixty-four addresses a service, from 10.128.0.0 on.</summary>
    private static string EndpointAddress(int service, int endpoint)
    {
        uint address = 0x0a800000u + (uint)((service * 64) + endpoint);
        return FormattableString.Invariant($"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}");
    }

    private static string Uid(int service, int part) =>
        FormattableString.Invariant($"{service:x8}-{part:x4}-4000-8000-0123456789ab");
}
