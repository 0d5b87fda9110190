#!/usr/bin/env bash
# Apply the overlay OVERLAY (production) with the images DIGEST_ALL and DIGEST_API, wait for the rollout, and undo it when it fails.
# Needs KUBE_CONFIG (the text of a kubeconfig, or base64 of it), DOCKERHUB_USERNAME and kubectl.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${KUBE_CONFIG:?is not set}" "${DOCKERHUB_USERNAME:?is not set}" "${DIGEST_ALL:?is not set}" "${DIGEST_API:?is not set}"
source deploy/k8s/cluster.sh
source deploy/k8s/release.sh
release=$(mktemp -d "$PWD/deploy/k8s/.release.XXXXXX")
trap 'rm -rf "$release" "$KUBECONFIG"' EXIT
write_release "$release" "${OVERLAY:-production}"
before=$(revisions current)
# A finished Job cannot be changed, so the last release's migration goes first.
kube delete job --selector "$SELECTOR,app.kubernetes.io/component=migrate" --ignore-not-found
kubectl apply --kustomize "$release"
if kube wait job --selector "$SELECTOR,app.kubernetes.io/component=migrate" --for condition=complete --timeout "$WAIT" && wait_for_rollout; then
  # A release that was left once and is good now may be gone back to again.
  while read -r _ _ replicaset; do accept "$replicaset"; done <<<"$(revisions current)"
else
  undo_since "$before"
  echo "deploy: the rollout failed and was undone" >&2
  exit 1
fi
