#!/usr/bin/env bash
# Makes Generated/ anew from the IDL files. Needs the Thrift compiler, 0.17 (Debian: apt-get install thrift-compiler).
set -euo pipefail
cd "$(dirname "$0")"

command -v thrift >/dev/null || { echo "generate.sh: no 'thrift' on the PATH; apt-get install thrift-compiler" >&2; exit 1; }

rm -rf Generated
mkdir Generated
for idl in *.thrift; do
    thrift --strict --gen netstd:net6,pascal,union -out Generated "$idl"
done
