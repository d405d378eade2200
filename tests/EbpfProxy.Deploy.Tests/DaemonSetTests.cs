using k8s.Models;

namespace EbpfProxy.Deploy.Tests;

public sealed class DaemonSetTests
{
    [Theory]
    [MemberData(nameof(Overlay.Names), MemberType = typeof(Overlay))]
    public void Every_manifest_is_what_Kubernetes_knows_and_in_one_namespace(string name)
    {
        var overlay = Overlay.Render(name);

        Assert.NotEmpty(overlay.Objects);
        Assert.All(overlay.Objects.OfType<IMetadata<V1ObjectMeta>>(), item =>
        {
            bool isOfNoNamespace = item is V1ClusterRole or V1ClusterRoleBinding;
            Assert.Equal(isOfNoNamespace ? null : "kube-system", item.Metadata.NamespaceProperty);
            Assert.Equal("ebpf-proxy", item.Metadata.Labels["app.kubernetes.io/name"]);
        });
    }

    [Theory]
    [MemberData(nameof(Overlay.Names), MemberType = typeof(Overlay))]
    public void A_pod_goes_to_every_Linux_node_ahead_of_others_and_is_the_one_selected(string name)
    {
        var overlay = Overlay.Render(name);

        Assert.All(overlay.Objects.OfType<V1DaemonSet>(), set =>
        {
            var pod = set.Spec.Template;
            Assert.Equal("system-node-critical", pod.Spec.PriorityClassName);
            Assert.Equal("Exists", Assert.Single(pod.Spec.Tolerations).OperatorProperty);
            Assert.Equal("linux", pod.Spec.NodeSelector["kubernetes.io/os"]);
            Assert.True(pod.Spec.HostNetwork);
            Assert.All(set.Spec.Selector.MatchLabels, label => Assert.Equal(label.Value, pod.Metadata.Labels[label.Key]));
            Assert.DoesNotContain("k8s-app", pod.Metadata.Labels.Keys);
            Assert.All(
                pod.Spec.Containers.Concat(pod.Spec.InitContainers).SelectMany(container => container.VolumeMounts ?? []),
                mount => Assert.Contains(pod.Spec.Volumes, volume => volume.Name == mount.Name));
        });
    }

    [Theory]
    [InlineData("canary")]
    [InlineData("canary-kubeadm")]
    public void Two_DaemonSets_never_select_each_others_pods(string name)
    {
        var sets = Overlay.Render(name).Objects.OfType<V1DaemonSet>().ToArray();

        Assert.Equal(2, sets.Length);
        Assert.Equal(sets.Length, sets.Select(set => set.Spec.Selector.MatchLabels["app.kubernetes.io/component"]).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Overlay.Proxies), MemberType = typeof(Overlay))]
    public void Only_what_runs_once_is_privileged(string name)
    {
        var overlay = Overlay.Render(name);

        Assert.True(overlay.Init.SecurityContext.Privileged);
        Assert.Contains("--init-only", overlay.Init.Args);
        Assert.NotEqual(true, overlay.Daemon.SecurityContext.Privileged);
        Assert.Equal(["ALL"], overlay.Daemon.SecurityContext.Capabilities.Drop);
        Assert.Equal(["BPF", "NET_ADMIN", "PERFMON", "SYS_ADMIN"], overlay.Daemon.SecurityContext.Capabilities.Add.Order());
        Assert.True(overlay.Daemon.SecurityContext.ReadOnlyRootFilesystem);
        Assert.True(overlay.Init.SecurityContext.ReadOnlyRootFilesystem);
    }

    [Theory]
    [MemberData(nameof(Overlay.Proxies), MemberType = typeof(Overlay))]
    public void Mounts_go_from_the_first_container_to_the_node_and_from_there_to_the_daemon(string name)
    {
        var overlay = Overlay.Render(name);

        Assert.Equal("Bidirectional", overlay.Init.VolumeMounts.Single(mount => mount.MountPath == "/sys/fs/bpf").MountPropagation);
        Assert.Equal("HostToContainer", overlay.Daemon.VolumeMounts.Single(mount => mount.MountPath == "/sys/fs/bpf").MountPropagation);
        Assert.Equal("HostToContainer", overlay.Daemon.VolumeMounts.Single(mount => mount.MountPath == "/run/netns").MountPropagation);
        Assert.True(overlay.Daemon.VolumeMounts.Single(mount => mount.MountPath == "/sys/fs/cgroup").ReadOnlyProperty);
    }

    [Theory]
    [MemberData(nameof(Overlay.Proxies), MemberType = typeof(Overlay))]
    public void The_daemon_sees_whether_kube_proxy_runs_and_changes_iptables_under_its_lock(string name)
    {
        var overlay = Overlay.Render(name);

        var processes = overlay.Daemon.VolumeMounts.Single(mount => mount.MountPath == "/host/proc");
        Assert.True(processes.ReadOnlyProperty);
        Assert.Equal("/proc", overlay.Proxy.Spec.Template.Spec.Volumes.Single(volume => volume.Name == processes.Name).HostPath.Path);
        Assert.Contains("--host-proc=/host/proc", overlay.Daemon.Args);
        string held = overlay.Daemon.VolumeMounts.Single(mount => mount.MountPath == "/run/xtables.lock").Name;
        Assert.Equal("FileOrCreate", overlay.Proxy.Spec.Template.Spec.Volumes.Single(volume => volume.Name == held).HostPath.Type);
    }

    /// <summary>On nodes without the label, and on all of them.</summary>
    [Theory]
    [InlineData("canary")]
    [InlineData("canary-kubeadm")]
    [InlineData("handback")]
    public void Nodes_without_the_proxy_are_handed_back_to_kube_proxy(string name)
    {
        var cleanup = Overlay.Render(name).One<V1DaemonSet>("ebpf-proxy-cleanup").Spec.Template.Spec;

        Assert.Equal(["handback", "--wait"], Assert.Single(cleanup.InitContainers).Args);
        Assert.True(Assert.Single(cleanup.InitContainers).SecurityContext.Privileged);
        Assert.Equal(name == "handback", cleanup.Affinity is null);
    }

    [Theory]
    [MemberData(nameof(Overlay.Proxies), MemberType = typeof(Overlay))]
    public void Both_containers_read_one_configuration_that_is_mounted(string name)
    {
        var overlay = Overlay.Render(name);

        string config = Assert.Single(overlay.Daemon.Args, argument => argument.StartsWith("--config=", StringComparison.Ordinal));
        Assert.Contains(config, overlay.Init.Args);
        string folder = Path.GetDirectoryName(config["--config=".Length..])!;
        Assert.All([overlay.Init, overlay.Daemon], container =>
        {
            Assert.Equal("config", Assert.Single(container.VolumeMounts, mount => mount.MountPath == folder).Name);
            Assert.Contains("--hostname-override=$(NODE_NAME)", container.Args);
            Assert.Equal("spec.nodeName", Assert.Single(container.Env).ValueFrom.FieldRef.FieldPath);
        });
    }

    [Theory]
    [MemberData(nameof(Overlay.Proxies), MemberType = typeof(Overlay))]
    public void Probes_ask_what_is_served_and_where(string name)
    {
        var daemon = Overlay.Render(name).Daemon;

        var healthz = daemon.Ports.Single(port => port.Name == "healthz");
        Assert.Equal(10256, healthz.ContainerPort);
        Assert.Equal(10249, daemon.Ports.Single(port => port.Name == "metrics").ContainerPort);
        Assert.Equal(
            ["/livez healthz", "/livez healthz", "/readyz healthz"],
            new[] { daemon.StartupProbe, daemon.LivenessProbe, daemon.ReadinessProbe }.Select(probe => $"{probe.HttpGet.Path} {probe.HttpGet.Port.Value}"));
    }

    /// <summary>Where the daemon serves its health stands in one place then: its configuration.</summary>
    [Theory]
    [InlineData("exec-probes")]
    [InlineData("kubeadm, prometheus, canary, exec-probes")]
    [InlineData("exec-probes, kubeadm")]
    public void Probes_that_ask_the_daemon_itself_name_no_port(string components)
    {
        var daemon = Overlay.RenderComponents(components).Daemon;

        V1Probe[] probes = [daemon.StartupProbe, daemon.LivenessProbe, daemon.ReadinessProbe];
        Assert.Equal(
            ["ebpf-proxy probe startup", "ebpf-proxy probe liveness", "ebpf-proxy probe readiness"],
            probes.Select(probe => string.Join(' ', probe.Exec.Command)));
        Assert.All(probes, probe => Assert.Null(probe.HttpGet));

        // `probe` gives up after 4 s, and says so.
        Assert.All(probes, probe => Assert.Equal(5, probe.TimeoutSeconds));
    }

    /// <summary>As docs/migrate.md shows it, for clusters whose kube-proxy has the same host ports.</summary>
    [Fact]
    public void Ports_can_be_taken_off_where_nothing_names_them()
    {
        var daemon = Overlay.RenderOwn("""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources: [DEPLOY/base]
            components: [DEPLOY/components/exec-probes]
            patches:
              - target: { kind: DaemonSet, name: ^ebpf-proxy$ }
                patch: |-
                  - { op: remove, path: /spec/template/spec/containers/0/ports }
            """).Daemon;

        Assert.Null(daemon.Ports);
        Assert.All(new[] { daemon.StartupProbe, daemon.LivenessProbe, daemon.ReadinessProbe }, probe => Assert.Null(probe.HttpGet));
    }

    /// <summary>As docs/install.md shows it.</summary>
    [Fact]
    public void Another_port_of_health_is_said_to_the_probes_in_one_place()
    {
        var daemon = Overlay.RenderOwn("""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources: [DEPLOY/base]
            patches:
              - target: { kind: DaemonSet, name: ^ebpf-proxy$ }
                patch: |-
                  - { op: replace, path: /spec/template/spec/containers/0/ports/0/containerPort, value: 20256 }
            """).Daemon;

        Assert.Equal(20256, daemon.Ports.Single(port => port.Name == "healthz").ContainerPort);
        Assert.All(new[] { daemon.StartupProbe, daemon.LivenessProbe, daemon.ReadinessProbe }, probe => Assert.Equal("healthz", probe.HttpGet.Port.Value));
    }

    [Theory]
    [MemberData(nameof(Overlay.Names), MemberType = typeof(Overlay))]
    public void An_image_is_said_in_one_place(string name)
    {
        var overlay = Overlay.Render(name);

        var images = overlay.Objects.OfType<V1DaemonSet>()
            .SelectMany(set => set.Spec.Template.Spec.Containers.Concat(set.Spec.Template.Spec.InitContainers))
            .Select(container => container.Image).Distinct().Order();

        Assert.Equal(overlay.Objects.OfType<V1DaemonSet>().Any(set => set.Metadata.Name == "ebpf-proxy-cleanup") ? ["ebpf-proxy:0.1.0", "registry.k8s.io/pause:3.10"] : ["ebpf-proxy:0.1.0"], images);
    }

    [Theory]
    [InlineData("kubeadm")]
    [InlineData("canary-kubeadm")]
    public void Kubeadm_s_own_configuration_is_read_and_never_written(string name)
    {
        var overlay = Overlay.Render(name);

        Assert.Equal("kube-proxy", overlay.Proxy.Spec.Template.Spec.Volumes.Single(volume => volume.Name == "config").ConfigMap.Name);
        Assert.DoesNotContain(overlay.Objects.OfType<V1ConfigMap>(), map => map.Data?.ContainsKey("config.yaml") == true);
        Assert.Contains("--config=/var/lib/kube-proxy/config.conf", overlay.Daemon.Args);
        Assert.DoesNotContain(overlay.Daemon.VolumeMounts, mount => mount.MountPath == "/etc/ebpf-proxy");
    }

    [Theory]
    [InlineData("canary")]
    [InlineData("canary-kubeadm")]
    public void A_labelled_node_has_the_proxy_and_no_kube_proxy_and_every_other_the_reverse(string name)
    {
        var overlay = Overlay.Render(name);
        var cleanup = overlay.One<V1DaemonSet>("ebpf-proxy-cleanup").Spec.Template.Spec;
        string patch = File.ReadAllText(Path.Combine(Overlay.Root, "components/canary/kube-proxy-patch.yaml"));
        var kubeProxy = k8s.KubernetesYaml.Deserialize<V1DaemonSet>(patch, strict: true).Spec.Template.Spec;

        Assert.Equal("true", overlay.Proxy.Spec.Template.Spec.NodeSelector["ebpf-proxy.io/node"]);
        Assert.All([cleanup, kubeProxy], pod =>
        {
            var term = Assert.Single(pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms);
            var expression = Assert.Single(term.MatchExpressions);
            Assert.Equal(("ebpf-proxy.io/node", "NotIn", "true"), (expression.Key, expression.OperatorProperty, expression.Values.Single()));
        });
    }

    /// <summary>In every order: each has what all of them bring, and none takes away what another brought.</summary>
    [Theory]
    [InlineData("kubeadm, prometheus")]
    [InlineData("prometheus, kubeadm")]
    [InlineData("kubeadm, canary")]
    [InlineData("canary, kubeadm")]
    [InlineData("prometheus, canary")]
    [InlineData("canary, prometheus")]
    [InlineData("kubeadm, prometheus, canary")]
    [InlineData("canary, prometheus, kubeadm")]
    [InlineData("prometheus, canary, kubeadm")]
    public void Components_go_together(string components)
    {
        var overlay = Overlay.RenderComponents(components);

        bool isKubeadm = components.Contains("kubeadm", StringComparison.Ordinal);
        string config = isKubeadm ? "--config=/var/lib/kube-proxy/config.conf" : "--config=/etc/ebpf-proxy/config.yaml";
        bool isOpen = components.Contains("prometheus", StringComparison.Ordinal);
        string[] more = isOpen ? ["--open-metrics"] : [];
        Assert.Equal(["run", config, "--hostname-override=$(NODE_NAME)", "--host-proc=/host/proc", .. more], overlay.Daemon.Args);
        Assert.Equal(["run", "--init-only", config, "--hostname-override=$(NODE_NAME)"], overlay.Init.Args);
        Assert.Equal(isKubeadm ? "kube-proxy" : overlay.ConfigMap("ebpf-proxy-config-").Metadata.Name, overlay.Proxy.Spec.Template.Spec.Volumes.Single(volume => volume.Name == "config").ConfigMap.Name);
        Assert.Equal(isOpen, overlay.Objects.OfType<PodMonitor>().Any());
        Assert.Equal(components.Contains("canary", StringComparison.Ordinal), overlay.Proxy.Spec.Template.Spec.NodeSelector.ContainsKey("ebpf-proxy.io/node"));
    }

    /// <summary>The daemon's own wait for the podCIDRs of its Node is as long as PodPrefixes says.</summary>
    [Theory]
    [MemberData(nameof(Overlay.Proxies), MemberType = typeof(Overlay))]
    public void A_start_may_take_longer_than_the_daemon_waits_for_its_Node(string name)
    {
        var probe = Overlay.Render(name).Daemon.StartupProbe;

        Assert.InRange(probe.PeriodSeconds!.Value * probe.FailureThreshold!.Value, 330, 600);
    }

    /// <summary>As docs/install.md shows it.</summary>
    [Fact]
    public void With_kubeadm_settings_are_arguments_and_every_image_has_another_place()
    {
        var overlay = Overlay.RenderOwn("""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources: [DEPLOY/base]
            components: [DEPLOY/components/kubeadm, DEPLOY/components/canary]
            images:
              - { name: ebpf-proxy, newName: registry.example/ebpf-proxy, newTag: 0.1.0 }
              - { name: registry.k8s.io/pause, newName: registry.example/pause, newTag: "3.10" }
            patches:
              - target: { kind: DaemonSet, name: ^ebpf-proxy$ }
                patch: |-
                  - { op: add, path: /spec/template/spec/containers/0/args/-, value: "--devices=eth*" }
            """);

        Assert.Contains("--config=/var/lib/kube-proxy/config.conf", overlay.Daemon.Args);
        Assert.Equal("--devices=eth*", overlay.Daemon.Args[^1]);
        Assert.All(
            overlay.Objects.OfType<V1DaemonSet>().SelectMany(set => set.Spec.Template.Spec.Containers.Concat(set.Spec.Template.Spec.InitContainers)),
            container => Assert.StartsWith("registry.example/", container.Image, StringComparison.Ordinal));
    }

    [Fact]
    public void A_label_that_an_operator_selects_by_is_put_on_in_one_place()
    {
        var overlay = Overlay.RenderOwn("""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources: [DEPLOY/base]
            components: [DEPLOY/components/prometheus]
            labels:
              - pairs: { release: prometheus }
            """);

        Assert.Equal("prometheus", overlay.One<PodMonitor>("ebpf-proxy").Metadata.Labels["release"]);
        Assert.Equal("prometheus", overlay.One<PrometheusRule>("ebpf-proxy").Metadata.Labels["release"]);
        Assert.DoesNotContain("release", overlay.Proxy.Spec.Selector.MatchLabels.Keys);
    }

    [Fact]
    public void A_pod_of_the_uninstaller_is_ready_when_its_node_is_clean()
    {
        var pod = Overlay.Render("uninstall").One<V1DaemonSet>("ebpf-proxy-cleanup").Spec.Template.Spec;

        var cleanup = Assert.Single(pod.InitContainers);
        Assert.Equal(["cleanup"], cleanup.Args);
        Assert.True(cleanup.SecurityContext.Privileged);
        Assert.Null(Assert.Single(pod.Containers).Args);
    }

    [Fact]
    public void Components_and_one_s_own_settings_go_together()
    {
        var overlay = Overlay.RenderOwn("""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources: [DEPLOY/base]
            components: [DEPLOY/components/prometheus, DEPLOY/components/canary]
            images:
              - { name: ebpf-proxy, newName: registry.example/ebpf-proxy, newTag: "1.2.3" }
            configMapGenerator:
              - name: ebpf-proxy-api-server
                namespace: kube-system
                behavior: merge
                literals: [KUBERNETES_SERVICE_HOST=api.cluster.example, KUBERNETES_SERVICE_PORT=6443]
            """);

        var server = overlay.ConfigMap("ebpf-proxy-api-server-");
        Assert.Equal("api.cluster.example", server.Data["KUBERNETES_SERVICE_HOST"]);
        Assert.Equal("6443", server.Data["KUBERNETES_SERVICE_PORT"]);
        Assert.Equal(server.Metadata.Name, Assert.Single(overlay.Daemon.EnvFrom).ConfigMapRef.Name);
        Assert.Equal("registry.example/ebpf-proxy:1.2.3", overlay.Daemon.Image);
        Assert.Equal("registry.example/ebpf-proxy:1.2.3", Assert.Single(overlay.One<V1DaemonSet>("ebpf-proxy-cleanup").Spec.Template.Spec.InitContainers).Image);
        Assert.Single(overlay.Objects.OfType<PodMonitor>());
    }
}
