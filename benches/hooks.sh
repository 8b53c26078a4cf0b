#!/usr/bin/env bash
# Requests per second of native decision hooks beside those of a bare axum JSON echo, in turn, median of five.
# 32 connections, a new call id in every request, 50 agents, a connection without events, decision log on. Needs wrk.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-8} rounds=${ROUNDS:-5}
command -v wrk >/dev/null || { echo "wrk is not installed: apt-get install wrk" >&2; exit 2; }

cargo build --release --locked
echo_program=$(cargo bench --locked --bench echo --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*\/echo-[^"]*\)".*/\1/p' | tail -1)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

{
    echo "workspace: bench"
    echo "name: Bench"
    echo "time_zone: Europe/Moscow"
    echo "default_region: RU"
    echo "currency: RUB"
    echo "agents:"
    for n in $(seq 1 50); do echo "  - {id: agent-$n, name: Agent $n, numbers: [{sip: \"$((100 + n))\"}]}"; done
    echo "groups:"
    echo "  - {id: sales, policy: typed, members: [$(for n in $(seq 1 50); do printf '{agent: agent-%s, base: %s}, ' "$n" $((n % 7 + 1)); done | sed 's/, $//')]}"
    echo "policies: [{id: typed, mode: percent, period: 10h, count: offered}]"
    echo "routes: [{id: main, called: any, group: sales, fallback: {number: \"+74951112200\"}}]"
    echo "connections: [{id: pbx, integration: pbx/native, events: none, hold_seconds: 0, settings: {token: \"env:BENCH_TOKEN\"}}]"
} > "$work/bench.yaml"

export MERITLINE_DATABASE_URL="sqlite://$work/bench.db" MERITLINE_LISTEN=127.0.0.1:8090 MERITLINE_LOG=warn BENCH_TOKEN=bench-secret
meritline=$PWD/target/release/meritline
"$meritline" workspace apply "$work/bench.yaml" >/dev/null
"$meritline" serve & "$echo_program" 127.0.0.1:8091 &
for port in 8090 8091; do
    for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.1; done
done

measure() { wrk -t1 -c32 -d"${seconds}s" -s benches/hooks.lua "http://127.0.0.1:$1" -- "$2" | awk '/Requests\/sec/ {print $2} /Non-2xx/ {print "not all answers were 200" > "/dev/stderr"}'; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

measure 8090 warm >/dev/null; measure 8091 warm >/dev/null
for round in $(seq "$rounds"); do
    hooks=$(measure 8090 "r$round"); plain=$(measure 8091 "r$round")
    echo "round $round: decision hooks $hooks/s, echo $plain/s"
    echo "$hooks" >> "$work/hooks"; echo "$plain" >> "$work/plain"
done
hooks=$(median < "$work/hooks") plain=$(median < "$work/plain")
awk -v h="$hooks" -v p="$plain" 'BEGIN {printf "median: decision hooks %.0f/s, echo %.0f/s: %.0f %% of the echo\n", h, p, 100 * h / p}'
