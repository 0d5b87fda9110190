#!/usr/bin/env bash
# Roll every Deployment of StockCrew back to one release, and wait: that of the API's revision ROLLBACK_TARGET (a number, or a release's name), or the
# newest one before that was not left by a rollback (deploy/k8s/revisions.py). ROLLBACK_REASON is written into the log. Needs KUBE_CONFIG and kubectl.
# Migrations are not reverted; older releases run on a newer database.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${KUBE_CONFIG:?is not set}"
source deploy/k8s/cluster.sh
trap 'rm -f "$KUBECONFIG"' EXIT
printf 'rollback: %s\n' "$(tr -cd '[:print:]' <<<"${ROLLBACK_REASON:-no reason given}")" >&2
roll_back ${ROLLBACK_TARGET:+"$ROLLBACK_TARGET"}
wait_for_rollout
