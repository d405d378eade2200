#!/bin/sh
# The services that the sockets are measured with.
#   cluster.sh manifests COUNT    as Kubernetes has them
#   cluster.sh rules COUNT        as kube-proxy's nftables mode has them in the kernel
# Service 0 is the one that is asked, 10.96.19.136:80, with three endpoints of the server's; the others have one that
# nobody asks.
set -eu

manifests() {
  awk -v count="$1" 'BEGIN {
    for (i = 0; i < count; i++) {
      n = i + 5000
      ip = sprintf("10.96.%d.%d", n / 256, n % 256)
      printf "---\napiVersion: v1\nkind: Service\nmetadata: {namespace: bench, name: s%d}\n", i
      printf "spec: {clusterIP: %s, clusterIPs: [%s], ports: [{name: web, port: 80, targetPort: 8080}]}\n", ip, ip
      printf "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
      printf "metadata: {namespace: bench, name: s%d-1, labels: {kubernetes.io/service-name: s%d}}\n", i, i
      printf "addressType: IPv4\nports: [{name: web, port: 8080}]\nendpoints:\n"
      if (i == 0)
        for (k = 2; k < 5; k++) printf "- {addresses: [10.2.0.%d], conditions: {ready: true}}\n", k
      else
        printf "- {addresses: [10.3.%d.%d], conditions: {ready: true}}\n", i / 250, i % 250 + 1
    }
  }'
}

rules() {
  cat <<'RULES'
table ip kube-proxy {
  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  map service-nodeports { type inet_proto . inet_service : verdict; }
  map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  set cluster-ips { type ipv4_addr; }
  set nodeport-ips { type ipv4_addr; elements = { 10.1.0.1, 10.2.0.1, 10.5.0.1 } }
  chain mark-for-masquerade { meta mark set meta mark or 0x4000; }
  chain masquerading {
    meta mark & 0x4000 == 0 return
    meta mark set meta mark xor 0x4000
    masquerade fully-random
  }
  chain services {
    ip daddr . meta l4proto . th dport vmap @service-ips
    ip daddr != 127.0.0.0/8 ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
  }
  chain service-endpoints-check { ip daddr . meta l4proto . th dport vmap @no-endpoint-services; }
  chain firewall-check { ip daddr . meta l4proto . th dport vmap @firewall-ips; }
  chain cluster-ips-check { ip daddr @cluster-ips reject; }
  chain filter-prerouting {
    type filter hook prerouting priority -110
    ct state new jump firewall-check
  }
  chain filter-input {
    type filter hook input priority -110
    ct state new jump service-endpoints-check
  }
  chain filter-forward {
    type filter hook forward priority -110
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }
  chain filter-output {
    type filter hook output priority -110
    ct state new jump service-endpoints-check
    ct state new jump firewall-check
  }
  chain filter-output-post-dnat {
    type filter hook output priority -90
    ct state new jump cluster-ips-check
  }
  chain nat-prerouting {
    type nat hook prerouting priority dstnat
    jump services
  }
  chain nat-output {
    type nat hook output priority -100
    jump services
  }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat
    jump masquerading
  }
RULES
  awk -v count="$1" '
    function endpoint(name, address) {
      printf "  chain endpoint-%s {\n    ip saddr %s jump mark-for-masquerade\n", name, address
      printf "    meta l4proto tcp dnat to %s:8080\n  }\n", address
    }
    BEGIN {
      for (i = 0; i < count; i++) {
        n = i + 5000
        ip = sprintf("10.96.%d.%d", n / 256, n % 256)
        choices = ""
        backends = i == 0 ? 3 : 1
        for (k = 0; k < backends; k++) {
          name = "s" i "-" k
          endpoint(name, i == 0 ? "10.2.0." k + 2 : sprintf("10.3.%d.%d", i / 250, i % 250 + 1))
          choices = choices (k ? ", " : "") k " : goto endpoint-" name
        }
        printf "  chain service-s%d {\n    ip daddr %s tcp dport 80 ip saddr != 10.0.0.0/11 jump mark-for-masquerade\n", i, ip
        printf "    numgen random mod %d vmap { %s }\n  }\n", backends, choices
        ips = ips (i ? ",\n" : "") ip
        vips = vips (i ? ",\n" : "") ip " . tcp . 80 : goto service-s" i
      }
      print "}"
      printf "add element ip kube-proxy cluster-ips {\n%s\n}\nadd element ip kube-proxy service-ips {\n%s\n}\n", ips, vips
    }'
}

"$@"
