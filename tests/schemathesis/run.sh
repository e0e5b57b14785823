#!/bin/sh
# Holds a running daemon against etc/openapi.json with schemathesis, which makes up calls, good and
# bad ones. Opt-in: needs Python 3.10 or later and installs schemathesis into a folder of its own.
#   tests/schemathesis/run.sh [EXAMPLES]
set -eu
cd "$(dirname "$0")/../.."

examples=${1:-50}
work=$(mktemp -d)
chmod 711 "$work"
daemon=
proxy=
finish() {
    [ -z "$proxy" ] || kill "$proxy" 2>/dev/null || true
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap finish EXIT

cargo build
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet schemathesis
target/debug/eventplannerd run --state-dir "$work/state" >"$work/log" 2>&1 &
daemon=$!
socket=$work/state/run/control.sock
ctl="$PWD/target/debug/eventplannerctl --socket $socket --timeout 120s"
for _ in $(seq 100); do [ -S "$socket" ] && break; sleep 0.1; done
$ctl health >/dev/null
$ctl vendors import etc/sample/vendors.json >/dev/null

# The API is on a Unix socket and schemathesis speaks TCP: a forwarder on loopback, for this run.
python3 tests/schemathesis/forward.py "$socket" "$work/port" &
proxy=$!
for _ in $(seq 100); do [ -s "$work/port" ] && break; sleep 0.1; done

# Any number of vendors may be asked for; here few, since each call is to take seconds at most.
python3 - etc/openapi.json >"$work/openapi.json" <<'END'
import json, sys
document = json.load(open(sys.argv[1]))
document["components"]["schemas"]["GenerateVendors"]["properties"]["count"]["maximum"] = 500
json.dump(document, sys.stdout)
END

# Left out: what ends the daemon, waits for minutes, or never ends. $1: a file of settings.
hold() {
    settings=$1
    shift
    "$work/venv/bin/schemathesis" --config-file "$settings" run "$work/openapi.json" \
        --url "http://127.0.0.1:$(cat "$work/port")" --request-timeout 60 \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --max-examples "$examples" --seed 1 --workers 1 "$@" \
        --exclude-operation-id stop --exclude-operation-id verify_optimizations \
        --exclude-operation-id watch_plan --exclude-operation-id report
}
# First with identifiers that it makes up, then with those of a plan that has documents.
plan=$($ctl --json plan submit --wait etc/sample/wedding.json | sed 's/^{"id":"\([^"]*\)".*/\1/')
$ctl plan select "$plan" 1 --wait >/dev/null
# It leaves a cache where it runs.
cd "$work"
: >made-up.toml
hold made-up.toml
printf '[parameters]\n"path.id" = "%s"\n"path.name" = "blueprint.md"\n' "$plan" >of-a-plan.toml
hold of-a-plan.toml --include-path-regex '/v1/plans/\{id\}'
