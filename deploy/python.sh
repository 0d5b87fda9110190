# Sourced by the deploy scripts: leaves in $python an interpreter that has what they need (requests), by the pinned requirements where there is none.
# shellcheck shell=bash
python=${PYTHON:-.venv/bin/python}
if ! "$python" -c 'import requests' 2>/dev/null; then
  python3 -m venv .venv/deploy
  .venv/deploy/bin/python -m pip install --quiet --require-hashes --no-deps --only-binary=:all: --requirement requirements-api.txt
  python=.venv/deploy/bin/python
fi
