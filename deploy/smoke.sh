#!/usr/bin/env bash
# The k6 smoke profile against the deployed service at BASE_URL, with API_KEY. TARGET_NAME names its baselines. Leaves three files in results/.
# SMOKE_SETTINGS holds variables for the script, such as "SYMBOLS=AAPL DURATION=30s": its analyses are real ones, of the deployed model.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${BASE_URL:?is not set: the address of the deployed service, without a slash at its end}" "${API_KEY:?is not set: a key with the scopes read and run}"
make --no-print-directory .venv/.loadtest
settings=()
for setting in ${SMOKE_SETTINGS:-}; do settings+=(--set "$setting"); done
# k6 takes API_KEY from the environment: an argument would be seen in the list of processes.
exec "${PYTHON:-.venv/bin/python}" -m loadtests.run --results "${RESULTS:-results}" --profile smoke --target "$BASE_URL" --target-name "${TARGET_NAME:-production}" "${settings[@]}"
