#!/bin/sh
# The .NET SDK that fits global.json.
#   dotnet.sh find    prints the path of `dotnet`, or nothing
#   dotnet.sh get     installs the SDK from the distribution or the vendor when there is none
set -eu
cd "$(dirname "$0")/../.."

fits() {
  "$1" --version >/dev/null 2>&1
}

find_dotnet() {
  for candidate in "$(command -v dotnet || true)" "$PWD/.artifacts/dotnet/dotnet"; do
    if [ -n "$candidate" ] && fits "$candidate"; then
      echo "$candidate"
      return
    fi
  done
}

channel() {
  sed -n 's/.*"version": *"\([0-9]*\.[0-9]*\)\..*/\1/p' global.json
}

from_distribution() {
  package=dotnet-sdk-$(channel)
  if command -v apt-get >/dev/null && apt-cache show "$package" >/dev/null 2>&1; then
    apt-get install -y --no-install-recommends "$package"
  elif command -v dnf >/dev/null; then
    dnf install -y "$package"
  else
    return 1
  fi
}

from_vendor() {
  script=$(mktemp)
  trap 'rm -f "$script"' EXIT
  if ! curl -fsSL --connect-timeout 20 -o "$script" https://dot.net/v1/dotnet-install.sh; then
    echo "dotnet: the vendor's install script cannot be reached; install the .NET SDK $(channel) by hand" >&2
    return 1
  fi
  bash "$script" --channel "$(channel)" --install-dir .artifacts/dotnet
}

case ${1:-} in
  find) find_dotnet ;;
  get)
    [ -z "$(find_dotnet)" ] || exit 0
    { [ "$(id -u)" = 0 ] && from_distribution; } || from_vendor
    ;;
  *)
    echo "usage: $0 find|get" >&2
    exit 2
    ;;
esac
