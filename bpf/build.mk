# Builds the BPF objects: bpf/X.bpf.c -> .artifacts/bpf/X.bpf.o.
# Included by the top Makefile; `make -f bpf/build.mk bpf` works on its own too.

CLANG ?= $(firstword $(foreach c,clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14,$(shell command -v $(c))))
BPFTOOL ?= $(firstword $(wildcard .artifacts/deps/bin/bpftool) $(shell command -v bpftool))

BPF_OUT := .artifacts/bpf
BPF_OBJECTS := $(patsubst bpf/%.bpf.c,$(BPF_OUT)/%.bpf.o,$(wildcard bpf/*.bpf.c))

# For -target bpf the compiler does not look where this distribution has <asm/types.h>. Asked when it is needed: `make demo`
# installs the compiler first.
BPF_MULTIARCH = $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_INCLUDES = -Ibpf/include -Ibpf/lib \
	$(if $(BPF_MULTIARCH),-idirafter /usr/include/$(BPF_MULTIARCH))

# A build with another layout of the tables, for tests of upgrade and rollback: TABLES_VERSION=2.
BPF_DEFINES := $(if $(TABLES_VERSION),-DTABLES_VERSION=$(TABLES_VERSION))

BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror

.PHONY: bpf bpf-fmt bpf-check

bpf: $(BPF_OBJECTS) ## compile the BPF programs

$(BPF_OUT)/%.bpf.o: bpf/%.bpf.c bpf/build.mk
	@mkdir -p $(@D)
	$(if $(CLANG),,$(error no clang found: make deps))
	$(if $(BPFTOOL),,$(error no bpftool found: make deps))
	$(CLANG) $(BPF_CFLAGS) $(BPF_DEFINES) $(BPF_INCLUDES) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@.whole
	@# Half of it is for debuggers, which need more than BTF.
	$(BPFTOOL) gen object $@ $@.whole
	@rm $@.whole

bpf-fmt:
	clang-format -i bpf/*.c bpf/*/*.h

bpf-check:
	clang-format --dry-run -Werror bpf/*.c bpf/*/*.h

-include $(BPF_OBJECTS:.o=.d)
