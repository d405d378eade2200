#!/bin/sh
# Prints what a packet of an established flow costs (test run of the programs, ask and answer in turn) and how many
# instructions of each program the verifier walks through. As root; takes a few seconds; run `make bpf` first.
set -eu
cd "$(dirname "$0")/../.."
DOTNET=$(tools/deps/dotnet.sh find)
"$DOTNET" build tests/EbpfProxy.Packets.Tests/EbpfProxy.Packets.Tests.csproj -c Release -v quiet >&2
.artifacts/bin/EbpfProxy.Packets.Tests/release/EbpfProxy.Packets.Tests -noColor -showLiveOutput \
  -class EbpfProxy.Packets.Tests.Node.SpeedTests -class EbpfProxy.Packets.Tests.Node.InstructionTests |
  sed -n 's/.*\[OUTPUT\] //p'
