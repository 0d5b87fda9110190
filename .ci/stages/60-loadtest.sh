#!/usr/bin/env bash
# load tests: smoke, and two minutes of load, with every threshold on
set -euo pipefail
for profile in smoke load; do
  make loadtest PROFILE="$profile"
  for file in output.json summary.json report.html; do [[ -s results/$file ]] || { echo "ci: results/$file of $profile is missing" >&2; exit 1; }; done
  mkdir -p "results/$profile"
  mv results/output.json results/summary.json results/report.html "results/$profile/"
done
