#!/usr/bin/env bash
# make demo: first run, second run, an unknown ticker
set -euo pipefail
make demo
for form in json md html; do [[ -s demo-output/AAPL.$form ]] || { echo "ci: demo-output/AAPL.$form is missing" >&2; exit 1; }; done
before=$SECONDS
make demo TICKER=JPM >/dev/null
echo "second demo run: $((SECONDS - before)) s"
if make demo TICKER=NOSUCH >/dev/null 2>results/unknown.txt; then echo "ci: an unknown ticker must fail the demo" >&2; exit 1; fi
tail -n 3 results/unknown.txt
