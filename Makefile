# Every target is one line in `make help`; what a target does stands in tools/, bpf/ and the projects.

ARTIFACTS := .artifacts
BINARY := $(ARTIFACTS)/ebpf-proxy
CONFIGURATION := Release

# The programs need no locale data, and nor does the SDK on a machine without libicu.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

# Asked for when a recipe needs it, not at every `make`.
DOTNET = $(or $(shell tools/deps/dotnet.sh find),$(error no .NET SDK that fits global.json: run make deps))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The BPF objects: .artifacts/bpf/*.bpf.o.
include bpf/build.mk

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST) | sort

.PHONY: deps
deps: ## get what is missing to build, test and run the demo (says first what it will do)
	@tools/deps/deps.sh

.PHONY: build
build: bpf ## the native binary with the BPF objects inside: .artifacts/ebpf-proxy
	$(DOTNET) publish src/EbpfProxy/EbpfProxy.csproj -c $(CONFIGURATION) -v quiet
	@install -D $(ARTIFACTS)/publish/EbpfProxy/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/ebpf-proxy $(BINARY).new
	@mv $(BINARY).new $(BINARY)
	@ls -l $(BINARY)

.PHONY: test
test: build ## every test; as root also those in the kernel; the last line is "N passed, N failed"
	$(DOTNET) build EbpfProxy.sln -c $(CONFIGURATION) -v quiet
	@DOTNET=$(DOTNET) CONFIGURATION=$(CONFIGURATION) tools/test/run.sh

.PHONY: image
image: build ## an OCI archive with the native binary and what it loads, for amd64 and arm64, without a registry: .artifacts/image/ebpf-proxy.tar
	@DOTNET=$(DOTNET) CONFIGURATION=$(CONFIGURATION) tools/image/image.sh

.PHONY: test-kernels
test-kernels: build ## boot kernels 5.10, 6.1, 6.12, the newest, and that of arm64 in qemu, do the main job with the native binary
	@DOTNET=$(DOTNET) CONFIGURATION=$(CONFIGURATION) tools/image/cross.sh
	@tools/vmtest/fetch.sh
	@tools/vmtest/check.sh 5.10 6.1 6.12 newest newest:arm64

.PHONY: test-debian
test-debian: deps ## `make demo` on a bare system of the other Debian (13 or 12), in a chroot; as root, about four minutes
	@! tools/test/other-debian.sh | tee /dev/stderr | grep '^not ok' >/dev/null

.PHONY: test-kubernetes
test-kubernetes: build ## the tests that can be run against Kubernetes' own API server, which is built first from Debian's source (ten minutes)
	@tools/deps/kubernetes.sh
	$(DOTNET) build EbpfProxy.sln -c $(CONFIGURATION) -v quiet
	KUBEBUILDER_ASSETS=$(CURDIR)/$(ARTIFACTS)/deps/kubernetes/bin $(DOTNET) test EbpfProxy.sln -c $(CONFIGURATION) --no-build \
		--filter "FullyQualifiedName~AnyApiServer|FullyQualifiedName~ControlPlane|FullyQualifiedName~Scenarios"

.PHONY: bench
bench: build ## measure on this machine, about 6 minutes, as root: BENCH_PARTS="sockets packets control"; RECORD=1 keeps it
	@tools/bench/run.sh

.PHONY: demo
demo: deps build ## the main job on this machine, with no cluster; as root, leaves nothing behind
	@tools/demo/demo.sh

.PHONY: check
check: ## formatting of C# and C, and shellcheck where it is installed
	@DOTNET=$(DOTNET) tools/check/check.sh

.PHONY: clean
clean: ## remove what was built; the downloads below .artifacts/deps stay
	@find $(ARTIFACTS) -mindepth 1 -maxdepth 1 ! -name deps ! -name dotnet -exec rm -rf {} + 2>/dev/null || true
