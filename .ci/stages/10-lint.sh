#!/usr/bin/env bash
# ruff, mypy, layer contracts
set -euo pipefail
source .ci/tools.sh
need make make python3 python3
make lint
