#!/bin/sh
# Checks the `openai` client against a real llama.cpp server. Opt-in: it installs three Python packages
# (xllamacpp, gguf, numpy; some 100 MB) into a virtual environment of its own, by default under target/.
#   tests/llamacpp/run.sh [VENV]
set -eu
cd "$(dirname "$0")/../.."
venv=${1:-target/llamacpp-venv}
port=${LLAMACPP_PORT:-18081}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import xllamacpp, gguf, numpy' 2>/dev/null ||
    "$venv/bin/pip" install --quiet xllamacpp gguf numpy
log=$(mktemp)
"$venv/bin/python" tests/llamacpp/server.py "$port" >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; rm -f "$log"' EXIT
tries=0
until grep -q '^listening at' "$log"; do
    kill -0 "$server" 2>/dev/null && [ "$tries" -lt 300 ] || { cat "$log" >&2; exit 1; }
    tries=$((tries + 1))
    sleep 0.1
done
LLAMACPP_URL="http://127.0.0.1:$port" cargo test --features check-llamacpp --test llm llamacpp::
