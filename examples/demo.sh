#!/bin/sh
# The main job on invented data: a sandbox is played in, and what happens there arrives at its Klaviyo.
# KEEP=1 leaves the sandbox running, to look around in.
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d)

title() {
    printf '\n$ intercom-klaviyo %s\n' "$1"
}

echo "1. An Intercom and a Klaviyo of invented people start on this machine."
title "sandbox --ports 0,0 --env $work/env"
intercom-klaviyo sandbox --ports 0,0 --env "$work/env" >"$work/out" 2>&1 &
sandbox=$!
[ -n "$KEEP" ] || trap 'kill -INT $sandbox 2>/dev/null; wait $sandbox 2>/dev/null; rm -rf "$work"' EXIT
tries=0
until [ -s "$work/env" ]; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ] || ! kill -0 $sandbox 2>/dev/null; then
        cat "$work/out" >&2
        exit 2
    fi
    sleep 0.1
done
cat "$work/out"
. "$work/env"

printf '\n2. Customers write, reply, rate and change; Intercom tells of it.\n'
title "sandbox play all --into captured.ndjson"
intercom-klaviyo sandbox play all --into "$work/captured.ndjson" || exit 1

printf '\n3. Each notification becomes a metric or a profile, with names looked up, and is sent.\n'
title "send captured.ndjson"
intercom-klaviyo send "$work/captured.ndjson" --json >"$work/sent.ndjson" 2>/dev/null
accepted=$(grep -c '"outcome":"accepted"' "$work/sent.ndjson")
refused=$(grep -c -e '"outcome":"refused"' -e '"outcome":"unavailable"' "$work/sent.ndjson")
echo "$accepted accepted, $refused refused or not sent"

printf '\n4. What has arrived?\n'
title "sandbox state"
intercom-klaviyo sandbox state || exit 1
title "sandbox check"
intercom-klaviyo sandbox check || exit 1
known=$(intercom-klaviyo sandbox state --json)
for metric in "Created Conversation" "Rated Conversation" "Read Conversation" "Replied to Conversation" \
    "Created Ticket" "Submitted Ticket" "Replied to Ticket" "Marked Ticket On Hold" "Resolved Ticket"; do
    case $known in
    *"\"$metric\""*) ;;
    *) echo "error: no event of $metric has arrived" >&2 && exit 1 ;;
    esac
done
[ "$refused" = 0 ] || exit 1

printf '\n5. Where does each value come from?\n'
title 'explain tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml --metric "Created Ticket"'
intercom-klaviyo explain tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml --metric "Created Ticket"

printf '\n6. What happens when a spec is wrong?\n'
title "check examples/broken_spec.yaml"
intercom-klaviyo check examples/broken_spec.yaml

cat <<NEXT

Try next:
  . .venv/bin/activate                   so that the command is found
  intercom-klaviyo sandbox               and in another terminal: sandbox play, send, sandbox state
  intercom-klaviyo translate tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml
  intercom-klaviyo test                  runs the tests inside the specs
  "Make it yours" in README.md           your own property in five minutes
NEXT
if [ -n "$KEEP" ]; then
    grep '^Pages' "$work/out"
    printf '\nThe sandbox runs on (kill -INT %s ends it). To talk to it from here:\n' "$sandbox"
    [ ! -f .venv/bin/activate ] || printf '  . .venv/bin/activate\n'
    printf '  . %s\n' "$work/env"
    printf 'What was played and sent is in %s, which stays until you remove it.\n' "$work"
fi
exit 0
