#!/bin/sh
# Holds the files of etc/alerting against the tools that read them. Opt-in: needs promtool, amtool
# and rsyslogd (Debian: prometheus, prometheus-alertmanager, rsyslog), Python 3.11 or later and npm;
# what comes from their package registries goes into a folder of its own.
#   tests/alerting/run.sh
set -eu
cd "$(dirname "$0")/../.."
here=$PWD/tests/alerting
work=$(mktemp -d)
daemon=
finish() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap finish EXIT
chmod 711 "$work"
PATH=$PATH:/usr/sbin
step() { echo "== $1"; }

step "Prometheus and Alertmanager"
# The configuration names its rules where they are installed.
cp etc/alerting/*.yaml "$work/"
sed -i 's,/etc/prometheus/,,' "$work/prometheus.yaml"
(cd "$work" && promtool check config prometheus.yaml && promtool check rules prometheus-rules.yaml &&
    promtool test rules prometheus-rules-test.yaml && amtool check-config alertmanager.yaml)

step "a daemon's own metrics"
cargo build --quiet
target/debug/eventplannerd run --state-dir "$work/state" >"$work/log" 2>&1 &
daemon=$!
ctl="target/debug/eventplannerctl --socket $work/state/run/control.sock"
for _ in $(seq 300); do [ -S "$work/state/run/control.sock" ] && break; sleep 0.1; done
$ctl vendors import etc/sample/vendors.json >/dev/null
$ctl plan submit --wait etc/sample/wedding.json >/dev/null
$ctl metrics >"$work/metrics"
promtool check metrics <"$work/metrics"
kill "$daemon"
wait "$daemon" || true
daemon=

step rsyslog
# As rsyslog reads it: between its modules and nothing else.
{ echo 'module(load="imuxsock")'; cat etc/alerting/rsyslog.conf; } >"$work/rsyslog.conf"
rsyslogd -N1 -f "$work/rsyslog.conf"

step "Vector's language, and Grafana's model of a dashboard"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pyvrl==0.0.2 grafana-foundation-sdk pyyaml
"$work/venv/bin/python" "$here/check.py" etc/alerting "$work/log" >"$work/logql.json"

step "Loki's query language"
cp "$here/logql.mjs" "$work/"
(cd "$work" && npm install --silent --no-audit --no-fund @grafana/lezer-logql@0.4 @lezer/common@1 >/dev/null &&
    node logql.mjs logql.json)
echo "== all as it should be"
