#!/bin/sh
# The main job on invented data: what customers do at a sandbox's Intercom arrives at its Klaviyo, once, although
# Klaviyo fails now and then and the relay is killed in the middle. KEEP=1 leaves both running, to look around.
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d)
chmod 700 "$work"
LEDGER_FILE=$work/ledger.db
export LEDGER_FILE

title() {
    printf '\n$ intercom-klaviyo %s\n' "$1"
}

# Ends what runs, and takes away what it left.
end() {
    kill -TERM "$relay" 2>/dev/null
    kill -INT "$sandbox" 2>/dev/null
    wait "$relay" "$sandbox" 2>/dev/null
    rm -rf "$work"
}

# Waits for a file to say something, while a process runs.
await() {
    tries=0
    until grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 "$3" 2>/dev/null; then
            cat "$1" "$work/log" >&2 2>/dev/null
            exit 2
        fi
        sleep 0.1
    done
}

relay() {
    intercom-klaviyo serve --port "$port" >"$work/serve" 2>>"$work/log" &
    relay=$!
    await "$work/serve" '^Running' $relay
}

port=$(python -c 'import socket
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    print(free.getsockname()[1])')
faults="--fault error-before=0.05 --fault error-after=0.05 --fault throttled=0.02 --fault webhooks-twice=0.2"

echo "1. An Intercom and a Klaviyo of invented people start on this machine. This Klaviyo fails now and then."
title "sandbox --ports 0,0 --webhooks http://127.0.0.1:$port/intercom --retry-after 5 $faults --env ..."
# shellcheck disable=SC2086
intercom-klaviyo sandbox --ports 0,0 --webhooks "http://127.0.0.1:$port/intercom" --retry-after 5 $faults \
    --env "$work/env" >"$work/out" 2>&1 &
sandbox=$!
relay=$sandbox
[ -n "$KEEP" ] || trap end EXIT
await "$work/out" '^Running' $sandbox
cat "$work/out"
. "$work/env"

printf '\n2. The relay between them starts: it receives, keeps, translates and delivers.\n'
title "serve --port $port"
relay
cat "$work/serve"

printf '\n3. Customers write, reply, rate and change; Intercom tells of it, and some of it twice.\n'
title "sandbox play all --into told.ndjson"
intercom-klaviyo sandbox play all --into "$work/told.ndjson" || exit 1
title "sandbox storm --rate 900 --minutes 0.06 --into told.ndjson"
intercom-klaviyo sandbox storm --rate 900 --minutes 0.06 --into "$work/told.ndjson" >"$work/storm" &
storm=$!
sleep 1.5

printf '\n4. In the middle of it the relay is killed, and started again.\n\n$ kill -9 %s\n' "$relay"
kill -9 "$relay"
wait "$relay" 2>/dev/null
title "serve --port $port"
relay
wait $storm
cat "$work/storm"

printf '\n5. Has everything arrived, and once?\n'
intercom-klaviyo send "$work/told.ndjson" --dry-run --json >"$work/wanted" 2>/dev/null
arrived() {
    intercom-klaviyo sandbox state --events --json >"$work/stored"
    python examples/arrived.py "$work/wanted" "$work/stored" >"$work/arrived"
}
tries=0
until arrived || [ $tries -gt 60 ]; do
    tries=$((tries + 1))
    sleep 0.25
done
title "sandbox state --events --json >stored"
cat "$work/arrived"
title "status"
intercom-klaviyo status || bad=1
title "events --limit 5"
intercom-klaviyo events --limit 5
title "sandbox state"
intercom-klaviyo sandbox state || exit 1
title "sandbox check"
intercom-klaviyo sandbox check || bad=1
arrived || bad=1

printf '\n6. Where does each value come from?\n'
title 'explain tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml --metric "Created Ticket"'
intercom-klaviyo explain tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml --metric "Created Ticket"

printf '\n7. What happens when a spec is wrong?\n'
title "check examples/broken_spec.yaml"
intercom-klaviyo check examples/broken_spec.yaml

cat <<NEXT

Try next:
  . .venv/bin/activate                   so that the command is found
  intercom-klaviyo sandbox               and in another terminal: serve, sandbox play, events (docs/operating.md)
  intercom-klaviyo translate tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml
  intercom-klaviyo test                  runs the tests inside the specs
  "Make it yours" in README.md           your own property in five minutes
NEXT
if [ -n "$KEEP" ]; then
    grep '^Pages' "$work/out"
    printf '\nBoth run on (kill -INT %s %s ends them). To talk to them from here:\n' "$sandbox" "$relay"
    [ ! -f .venv/bin/activate ] || printf '  . .venv/bin/activate\n'
    printf '  . %s\n  export LEDGER_FILE=%s\n' "$work/env" "$LEDGER_FILE"
    printf 'What was received and sent is in %s, which stays until you remove it.\n' "$work"
fi
exit ${bad:-0}
