#!/usr/bin/env bash
# requirements*.txt follow from pyproject.toml
set -euo pipefail
[[ -x .venv/ci/bin/uv ]] || { python3 -m venv .venv/ci && .venv/ci/bin/python -m pip install --quiet uv==0.13.9; }
UV=.venv/ci/bin/uv bash .ci/requirements.sh --check
