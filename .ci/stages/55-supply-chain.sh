#!/usr/bin/env bash
# licences of what ships, known vulnerabilities of what is installed (skipped loudly where no advisory source answers)
set -euo pipefail
source .ci/tools.sh
need make make python3 python3
make --no-print-directory .venv/.dev
.venv/bin/python .ci/licences.py --check
ci_tools
mkdir -p results
rm -f results/audit.json
packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
timeout 300 pip-audit --path "$packages" --format json --output results/audit.json --progress-spinner off >/dev/null 2>results/audit.log || tail -n 3 results/audit.log >&2
python3 .ci/audit.py results/audit.json
