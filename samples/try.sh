#!/usr/bin/env bash
# Packs the packages, builds the samples from them as a stranger would, and runs them against a host with everything embedded but the
# sandbox. The scheduler and the read model are killed again and again, and have to end with the right result all the same.
set -euo pipefail
cd "$(dirname "$0")"

root=$PWD/..
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "samples: $*" >&2; exit 1; }

rm -rf "$root/artifacts/packages"
for project in src/Domain thrift src/Woody src/Client; do
    dotnet pack "$root/$project" -c Release --nologo -v quiet > "$work/log" || { cat "$work/log"; exit 1; }
done
echo "== packages"
python3 packages.py "$root/artifacts/packages"

# A version that was packed before is kept by NuGet, whatever is in it now.
cache=$(dotnet nuget locals global-packages --list | sed 's/.*: //')
rm -rf "$cache"/payoutmanager.{domain,thrift,woody,client}
for sample in SettlementReport PayoutScheduler PayoutReadModel; do
    rm -rf "$sample/obj"
    dotnet build "$sample" -c Release --nologo -v quiet -o "$work/$sample" > "$work/log" || { cat "$work/log"; exit 1; }
done

echo "== the domain's README, in an empty console project"
mkdir "$work/readme"
cp nuget.config "$work/readme/"
sed -i "s|../artifacts/packages|$root/artifacts/packages|" "$work/readme/nuget.config"
(cd "$work/readme" && dotnet new console --name Readme --output . > /dev/null && dotnet add package PayoutManager.Domain --prerelease > /dev/null)
python3 readme.py "$root/src/Domain/README.md" "$work/readme/Program.cs" "$work/readme.txt"
dotnet run --project "$work/readme" | diff - "$work/readme.txt" || fail "the README does not print what it says"
# Warnings of trimming and of native compilation are errors; the linker is what the machine has.
dotnet publish "$work/readme" -c Release --nologo -v quiet -r linux-x64 -o "$work/trimmed" \
    -p:PublishTrimmed=true -p:TrimMode=full -p:TreatWarningsAsErrors=true
"$work/trimmed/Readme" | diff - "$work/readme.txt" || fail "the trimmed program prints something else"
dotnet publish "$work/readme" -c Release --nologo -v quiet -r linux-x64 -o "$work/native" \
    -p:PublishAot=true -p:TreatWarningsAsErrors=true -p:CppCompilerAndLinker="$(command -v clang > /dev/null && echo clang || echo gcc)"
"$work/native/Readme" | diff - "$work/readme.txt" || fail "the native program prints something else"

echo "== settlement report"
dotnet "$work/SettlementReport/SettlementReport.dll" < SettlementReport/postings.csv | tee "$work/report.txt"
diff "$work/report.txt" SettlementReport/expected.txt || fail "the report is not as expected"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
sandbox=$(free_port) thrift=$(free_port) management=$(free_port)
dotnet run -c Release --project "$root/src/Sandbox" -- "http://127.0.0.1:$sandbox" > "$work/sandbox.log" 2>&1 &
DOTNET_ENVIRONMENT=Development \
PartyManagement__Url="http://127.0.0.1:$sandbox/v1/processing/partymgmt" \
Shumway__Url="http://127.0.0.1:$sandbox/shumpune" \
Kestrel__Endpoints__Thrift__Url="http://127.0.0.1:$thrift" \
Kestrel__Endpoints__Management__Url="http://127.0.0.1:$management" \
    dotnet run -c Release --no-launch-profile --project "$root/src/Host" > "$work/host.log" 2>&1 &
for _ in $(seq 600); do
    curl -fs "http://127.0.0.1:$management/health/ready" > /dev/null && break
    sleep 0.1
done
curl -fs "http://127.0.0.1:$management/health/ready" > /dev/null || { cat "$work/host.log"; fail "the host is not ready"; }
broker=$(curl -fs "http://127.0.0.1:$management/info" | python3 -c 'import json, sys; print(json.load(sys.stdin)["kafka"]["bootstrapServers"])')

count=120
for n in $(seq "$count"); do
    printf 'due-%03d,party-load-%d,shop-load-%d,%d,RUB\n' "$n" $((n % 16 + 1)) $((n % 4 + 1)) $((10000 + n))
done > "$work/schedule.csv"
url=http://127.0.0.1:$thrift/payout/management

# Runs a program, killing it after ever longer whiles (the first in seconds), until it gets to its end by itself.
insist() {
    local first=$1 kills=0 pid
    shift
    while true; do
        "$@" > "$work/out" 2>&1 &
        pid=$!
        (sleep "$(awk -v f="$first" -v k=$kills -v r=$RANDOM 'BEGIN { print f * (1 + k / 2 + r / 32768) }')"; kill -9 $pid) 2> /dev/null &
        if wait $pid 2> /dev/null; then break; fi
        ! grep -q 'Unhandled exception' "$work/out" || { cat "$work/out"; fail "$2 failed"; }
        kills=$((kills + 1))
        ((kills < 60)) || fail "$2 does not get to its end"
    done
    echo "   killed $kills times"
}

echo "== scheduler: $count payouts"
insist 0.3 dotnet "$work/PayoutScheduler/PayoutScheduler.dll" "$url" "$work/schedule.csv" "$work/journal.txt"
[[ $(wc -l < "$work/journal.txt") == "$count" ]] || fail "the journal has $(wc -l < "$work/journal.txt") lines"
dotnet "$work/PayoutScheduler/PayoutScheduler.dll" "$url" "$work/schedule.csv" > "$work/service.txt"
[[ $(grep -c ' confirmed ' "$work/service.txt") == "$count" ]] || fail "not every payout is confirmed"
committed=$(curl -fs "http://127.0.0.1:$sandbox/plans?containing=due-" | python3 -c '
import json, sys
plans = json.load(sys.stdin)
print(len([p for p in plans if p["state"].lower() == "committed"]), len([p for p in plans if p["state"].lower() == "held"]))')
[[ $committed == "$count 0" ]] || fail "plans committed and held: $committed"

echo "== read model"
insist 0.06 dotnet "$work/PayoutReadModel/PayoutReadModel.dll" "$broker" "$work/model.json" "$count"
diff "$work/out" "$work/service.txt" || fail "the read model is not what the service says"
echo "The samples do what they should: $count payouts, each paid once, each told of."
