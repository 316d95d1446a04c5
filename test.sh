#!/usr/bin/env bash
# Runs all tests. Installs what they need beyond the .NET SDK, where it can; ends with the totals.
#   ./test.sh                      all of them
#   ./test.sh --filter Payout      what 'dotnet test' is told
set -euo pipefail
cd "$(dirname "$0")"

sudo=$([[ $EUID == 0 ]] || echo sudo)
missing=()
command -v kcat >/dev/null || missing+=(kcat)
command -v thrift >/dev/null || missing+=(thrift-compiler)
/usr/bin/python3 -I -c 'import thrift.protocol' 2>/dev/null || missing+=(python3-thrift)
command -v curl >/dev/null || missing+=(curl)
command -v npm >/dev/null || missing+=(npm)
command -v systemd-analyze >/dev/null || missing+=(systemd)
# Also where tests take another PostgreSQL: this one is there to be killed.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
if ((${#missing[@]})); then
    if ! command -v apt-get >/dev/null; then
        echo "test.sh: install these first (Debian's names): ${missing[*]}" >&2
        exit 1
    fi
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
# Of its package nothing else: that would start a server.
if ! command -v promtool >/dev/null; then
    command -v apt-get >/dev/null || { echo "test.sh: install promtool first" >&2; exit 1; }
    ((${#missing[@]})) || $sudo apt-get update -qq
    (
        cd "$(mktemp -d)"
        trap 'rm -rf "$PWD"' EXIT
        apt-get download -qq prometheus 2>/dev/null
        dpkg --fsys-tarfile prometheus_*.deb | $sudo tar -x -C /usr/local/bin --strip-components=3 ./usr/bin/promtool
    )
fi

dotnet build -c Release --nologo -v quiet

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
rm -f artifacts/test-report.txt
# Tests of the host mostly wait for processes to start and leases to run out: the others, one after the other, run meanwhile.
# A test that hangs is named and fails the run.
run() { dotnet test "$@" -c Release --no-build --nologo -m:1 --blame-hang-timeout 10min --blame-hang-dump-type none 2>&1 | tee -a "$log"; }
run tests/Host.Tests "$@" &
host=$!
for project in tests/*.Tests; do
    [[ $project == tests/Host.Tests ]] || run "$project" "$@" || status=$?
done
wait "$host" || status=$?

[[ ! -f artifacts/test-report.txt ]] || { echo; echo "What the crash tests saw:"; cat artifacts/test-report.txt; echo; }

awk '/Failed: +[0-9]+, Passed: +[0-9]+/ {
         match($0, /Failed: +[0-9]+/); split(substr($0, RSTART, RLENGTH), f, /: +/); failed += f[2]
         match($0, /Passed: +[0-9]+/); split(substr($0, RSTART, RLENGTH), p, /: +/); passed += p[2]
     }
     END { printf "%d passed, %d failed\n", passed, failed }' "$log"
exit "$status"
