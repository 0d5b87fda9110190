#!/usr/bin/env bash
# make eval: injected faults are caught, clean sentences pass
set -euo pipefail
make eval | tee results/eval.txt
