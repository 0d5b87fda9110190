#!/usr/bin/env bash
# Kubernetes: every overlay rendered, valid by the schemas of 1.34 and of the operators, checkov, Prometheus rules with their unit tests
set -euo pipefail
source .ci/tools.sh
source .ci/kubernetes.sh
command -v kubectl >/dev/null || { echo "ci: kubectl is a prerequisite of the gate (CONTRIBUTING.md): no package of Debian's fits it" >&2; exit 1; }
need python3 python3 promtool prometheus
ci_tools
folder=results/kubernetes
rm -rf "$folder"
render "$folder"
.venv/ci-tools/bin/python .ci/manifests.py ../shared/schemas/crds "$folder"/*.yaml

.venv/ci-tools/bin/python -c 'import sys, yaml; yaml.safe_dump(yaml.safe_load(sys.stdin)["spec"], sys.stdout)' \
  <deploy/k8s/components/monitoring/rules.yaml >"$folder/rules.yml"
cp deploy/k8s/components/monitoring/rules-test.yaml "$folder/"
promtool check rules "$folder/rules.yml"
promtool test rules "$folder/rules-test.yaml"

if [[ ! -x .venv/checkov/bin/checkov || requirements-checkov.txt -nt .venv/checkov/.installed ]]; then
  python3 -m venv .venv/checkov
  .venv/checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements-checkov.txt
  touch .venv/checkov/.installed
fi
for name in production argo-rollouts staging staging-load-test; do
  .venv/checkov/bin/checkov --config-file deploy/k8s/checkov.yaml --file "$folder/$name.yaml"
done
