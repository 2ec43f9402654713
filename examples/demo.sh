#!/bin/sh
# The main job on invented data: every sample translated, one explained, one broken spec diagnosed.
cd "$(dirname "$0")/.." || exit 2

title() {
    printf '\n$ intercom-klaviyo %s\n' "$1"
}

echo "1. Each notification of Intercom becomes what Klaviyo would get. Nothing is sent."
title "translate --brief tests/fixtures/*.json --records tests/fixtures/records.yaml"
intercom-klaviyo translate --brief tests/fixtures/*.json --records tests/fixtures/records.yaml

printf '\n2. Where does each value come from?\n'
title 'explain tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml --metric "Created Ticket"'
intercom-klaviyo explain tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml --metric "Created Ticket"

printf '\n3. They are sent to a few lines that stand in for Klaviyo, all of them to one profile.\n'
title "send tests/fixtures/t*.json --records tests/fixtures/records.yaml --to me@shop.example"
python examples/stand_in.py intercom-klaviyo send tests/fixtures/t*.json --records tests/fixtures/records.yaml --to me@shop.example
printf '\n4. What happens when a spec is wrong?\n'
title "check examples/broken_spec.yaml"
intercom-klaviyo check examples/broken_spec.yaml

cat <<'NEXT'

Try next:
  . .venv/bin/activate                   so that the command is found
  intercom-klaviyo translate tests/fixtures/ticket.created.json --records tests/fixtures/records.yaml
  intercom-klaviyo test                  runs the tests inside the specs
  "Make it yours" in README.md           your own property in five minutes
NEXT
