using System.Text;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>Writes kubeconfigs. The fields are as they are in the file; empty ones are left out.</summary>
public sealed record Kubeconfig
{
    public required Uri Server { get; init; }

    public Dictionary<string, string> Cluster { get; init; } = [];

    public Dictionary<string, string> User { get; init; } = [];

    /// <summary>An exec plugin: its command and arguments.</summary>
    public IReadOnlyList<string> Exec { get; init; } = [];

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    public string Write(string path)
    {
        var text = new StringBuilder("apiVersion: v1\nkind: Config\ncurrent-context: test\n");
        text.Append("contexts:\n- name: test\n  context:\n    cluster: there\n    user: me\n");
        text.Append("- name: other\n  context:\n    cluster: elsewhere\n    user: someone\n");
        text.Append("clusters:\n- name: elsewhere\n  cluster:\n    server: https://192.0.2.1\n    proxy-url: http://192.0.2.2\n");
        text.Append($"- name: there\n  cluster:\n    server: {Server}\n");
        foreach (var (field, value) in Cluster)
        {
            text.Append($"    {field}: {value}\n");
        }

        text.Append("users:\n- name: someone\n  user:\n    token: wrong\n- name: me\n  user:\n");
        text.Append(User.Count + Exec.Count == 0 ? "    {}\n" : "");
        foreach (var (field, value) in User)
        {
            text.Append($"    {field}: {value}\n");
        }

        if (Exec.Count > 0)
        {
            text.Append("    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n");
            text.Append($"      command: {Exec[0]}\n      args:\n");
            foreach (string argument in Exec.Skip(1))
            {
                text.Append($"      - '{argument}'\n");
            }
        }

        File.WriteAllText(path, text.ToString());
        return path;
    }
}
