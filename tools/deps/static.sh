#!/bin/sh
# Leaves libbpf.a and what it needs in .artifacts/deps/static, if a program that uses them links and runs on this
# machine. If not, nothing is there, and the binary loads libbpf.so.1 instead.
set -eu
cd "$(dirname "$0")/../.."
deps=.artifacts/deps
static=$deps/static
trial=$deps/static.new

archive() {
  find "$deps/libbpf" "$deps/libelf" /usr/lib /usr/lib64 -name "$1" 2>/dev/null | head -n 1
}

[ ! -f "$static/libbpf.a" ] || exit 0
rm -rf "$trial"
mkdir -p "$trial"
for name in libbpf.a libelf.a libz.a; do
  found=$(archive "$name")
  [ -z "$found" ] || cp "$found" "$trial/"
done

# Opening an object that is none takes libbpf through libelf and back.
cat >"$trial/trial.c" <<'C'
void *bpf_object__open_mem(const void *data, unsigned long size, const void *options);
int bpf_link_create(int program, int target, int type, const void *options);
int bpf_prog_query_opts(int target, int type, void *options);

int main(void)
{
	char none[64] = "";

	return bpf_object__open_mem(none, sizeof(none), 0) != 0 || bpf_link_create(-1, -1, 0, 0) >= 0 ||
	       bpf_prog_query_opts(-1, 0, 0) >= 0;
}
C
if (cd "$trial" && cc -o trial trial.c libbpf.a libelf.a libz.a && ./trial) >"$deps/static.log" 2>&1; then
  rm -f "$trial/trial" "$trial/trial.c"
  rm -rf "$static"
  mv "$trial" "$static"
  echo "deps: libbpf will be linked into the binary"
else
  rm -rf "$trial" "$static"
  echo "deps: libbpf cannot be linked into the binary here ($deps/static.log says why); it loads libbpf.so.1"
fi
