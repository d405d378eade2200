namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>The JSON of small objects.</summary>
internal static class Cluster
{
    public static string Service(string name, string clusterIP = "10.96.0.10", string labels = "") =>
        "{'kind':'Service','apiVersion':'v1','metadata':{'name':'" + name + "','namespace':'shop','labels':{" + labels + "}},"
        + "'spec':{'type':'ClusterIP','clusterIP':'" + clusterIP + "','clusterIPs':['" + clusterIP + "'],'ipFamilies':['IPv4'],"
        + "'ports':[{'port':80,'protocol':'TCP','targetPort':8080}]}}";

    public static string Slice(string name, string address = "10.1.0.1", string labels = "", string space = "shop", string service = "web", string port = "'name':'','port':8080") =>
        "{'kind':'EndpointSlice','apiVersion':'discovery.k8s.io/v1','metadata':{'name':'" + name + "','namespace':'" + space + "',"
        + "'labels':{'kubernetes.io/service-name':'" + service + "'" + labels + "}},'addressType':'IPv4','ports':[{" + port + ",'protocol':'TCP'}],"
        + "'endpoints':[{'addresses':['" + address + "'],'conditions':{'ready':true}}]}";

    public static string Node(string name, string zone = "z1") =>
        "{'kind':'Node','apiVersion':'v1','metadata':{'name':'" + name + "','labels':{'topology.kubernetes.io/zone':'" + zone + "'}},"
        + "'status':{'addresses':[{'type':'InternalIP','address':'10.0.0.1'}]}}";

    public static string Cidr(string name, string prefix) =>
        "{'kind':'ServiceCIDR','apiVersion':'networking.k8s.io/v1','metadata':{'name':'" + name + "'},'spec':{'cidrs':['" + prefix + "']}}";
}
