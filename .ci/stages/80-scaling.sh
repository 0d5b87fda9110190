#!/usr/bin/env bash
# rolling restart under load, a killed worker, twice the workers: real processes, no failed request, no lost job
set -euo pipefail
source .ci/tools.sh
need make make python3 python3 nginx nginx '/usr/lib/postgresql/*/bin/initdb' postgresql
timeout --kill-after=60 900 make simulate
