#!/usr/bin/env bash
# the README's test command, on SQLite and PostgreSQL, without an unexpected skip
set -euo pipefail
source .ci/tools.sh
need chromium chromium prometheus prometheus redis-server redis-server '/usr/lib/postgresql/*/bin/initdb' postgresql
postgres=$(mktemp -d)
trap 'bash .ci/postgres.sh stop "$postgres" || true; rm -rf "$postgres" "$postgres.url"' EXIT
bash .ci/postgres.sh start "$postgres" >"$postgres.url"
STOCKCREW_TEST_POSTGRES_URL=$(tail -n 1 "$postgres.url")
export STOCKCREW_TEST_POSTGRES_URL
make .venv/.loadtest # k6 for the tests that run it
make .venv/.client # the generator of API clients, for the test that uses one
make test PYTEST_ARGS="--junitxml=results/tests.xml --durations=15"
.venv/bin/python .ci/skips.py results/tests.xml
