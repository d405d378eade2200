using k8s;
using k8s.Exceptions;
using k8s.KubeConfigModels;
using YamlDotNet.RepresentationModel;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>Finds out how to reach the API server: flags before kubeconfig before the pod's service account.</summary>
internal static class CredentialsLoader
{
    /// <summary>Throws <see cref="InvalidDataException"/> where the configuration says too little or makes no sense.</summary>
    public static Credentials Load(KubernetesOptions options, TimeProvider time)
    {
        if (options.Kubeconfig is { Length: > 0 } path)
        {
            return FromKubeconfig(path, options.Masters, time);
        }

        if (options.Masters.Count > 0 && options.InClusterServer is null)
        {
            return new Credentials { Servers = options.Masters };
        }

        return FromServiceAccount(options);
    }

    private static Credentials FromServiceAccount(KubernetesOptions options)
    {
        if (options.InClusterServer is not { } server)
        {
            throw new InvalidDataException(
                "no kubeconfig and no master are given, and KUBERNETES_SERVICE_HOST and _PORT do not name an API server");
        }

        string authority = Path.Combine(options.ServiceAccountFolder, "ca.crt");
        return new Credentials
        {
            Servers = options.Masters.Count > 0 ? options.Masters : [server],
            Token = new SecretSource(null, Path.Combine(options.ServiceAccountFolder, "token")),
            Authority = File.Exists(authority) ? new SecretSource(null, authority) : null,
        };
    }

    private static Credentials FromKubeconfig(string path, IReadOnlyList<Uri> masters, TimeProvider time)
    {
        try
        {
            var config = LoadFile(path);
            var context = config.Contexts?.FirstOrDefault(context => context.Name == config.CurrentContext)?.ContextDetails
                ?? throw new InvalidDataException($"it has no context \"{config.CurrentContext}\"");
            var cluster = config.Clusters?.FirstOrDefault(cluster => cluster.Name == context.Cluster)?.ClusterEndpoint
                ?? throw new InvalidDataException($"it has no cluster \"{context.Cluster}\"");
            var user = string.IsNullOrEmpty(context.User)
                ? new UserCredentials()
                : config.Users?.FirstOrDefault(user => user.Name == context.User)?.UserCredentials
                    ?? throw new InvalidDataException($"it has no user \"{context.User}\"");
            var more = KubeconfigFields.Read(path, context.Cluster, context.User);
            return Make(Path.GetDirectoryName(Path.GetFullPath(path))!, cluster, user, more, masters, time);
        }
        catch (Exception error) when (
            error is IOException or UnauthorizedAccessException or InvalidDataException or KubeConfigException or FormatException
            or YamlDotNet.Core.YamlException)
        {
            throw new InvalidDataException($"kubeconfig {path}: {error.Message}", error);
        }
    }

    private static K8SConfiguration LoadFile(string path)
    {
        try
        {
            return KubernetesClientConfiguration.LoadKubeConfig(path, useRelativePaths: true)
                ?? throw new InvalidDataException("it is empty");
        }
        catch (Exception error) when (error is InvalidCastException or NullReferenceException or ArgumentException)
        {
            // What the library does with YAML of another shape.
            throw new InvalidDataException("it is not a kubeconfig", error);
        }
    }

    private static Credentials Make(
        string folder, ClusterEndpoint cluster, UserCredentials user, KubeconfigFields more, IReadOnlyList<Uri> masters, TimeProvider time)
    {
        string? Full(string? file) => string.IsNullOrEmpty(file) ? null : Path.GetFullPath(file, folder);
        return new Credentials
        {
            Servers = masters.Count > 0 ? masters : [Server(cluster.Server)],
            Authority = SecretSource.From(cluster.CertificateAuthorityData, Full(cluster.CertificateAuthority)),
            SkipsVerification = cluster.SkipTlsVerify,
            ServerName = string.IsNullOrEmpty(cluster.TlsServerName) ? null : cluster.TlsServerName,
            Proxy = more.ProxyUrl is null ? null : Server(more.ProxyUrl),
            Token = more.TokenFile is not null
                ? new SecretSource(null, Full(more.TokenFile))
                : string.IsNullOrEmpty(user.Token) ? null : new SecretSource(System.Text.Encoding.UTF8.GetBytes(user.Token), null),
            Certificate = SecretSource.From(user.ClientCertificateData, Full(user.ClientCertificate)),
            CertificateKey = SecretSource.From(user.ClientKeyData, Full(user.ClientKey)),
            Login = string.IsNullOrEmpty(user.UserName) ? null : (user.UserName, user.Password ?? ""),
            Exec = user.ExternalExecution is { } plugin ? new ExecCredential(plugin, time) : null,
        };
    }

    private static Uri Server(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var server) && server.Host.Length > 0
            ? server
            : throw new InvalidDataException($"\"{text}\" is not a URL");
}

/// <summary>The fields of a kubeconfig that the client library does not know.</summary>
internal sealed record KubeconfigFields(string? ProxyUrl, string? TokenFile)
{
    public static KubeconfigFields Read(string path, string cluster, string user)
    {
        using var text = File.OpenText(path);
        var yaml = new YamlStream();
        yaml.Load(text);
        var root = yaml.Documents.Count > 0 ? yaml.Documents[0].RootNode as YamlMappingNode : null;
        return new KubeconfigFields(
            Find(root, "clusters", cluster, "cluster", "proxy-url"),
            Find(root, "users", user, "user", "tokenFile"));
    }

    private static string? Find(YamlMappingNode? root, string list, string name, string inner, string field)
    {
        var items = Child<YamlSequenceNode>(root, list)?.Children.OfType<YamlMappingNode>() ?? [];
        var item = items.FirstOrDefault(item => Child<YamlScalarNode>(item, "name")?.Value == name);
        string? value = Child<YamlScalarNode>(Child<YamlMappingNode>(item, inner), field)?.Value;
        return string.IsNullOrEmpty(value) ? null : value;
    }

    private static T? Child<T>(YamlMappingNode? parent, string name)
        where T : YamlNode =>
        parent is not null && parent.Children.TryGetValue(new YamlScalarNode(name), out var child) ? child as T : null;
}
