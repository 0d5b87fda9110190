#!/usr/bin/env bash
# Deploy the image with digest DIGEST to Render and wait until it is live. Needs RENDER_API_KEY, RENDER_SERVICE_ID, DOCKERHUB_USERNAME, DIGEST.
# Takes RENDER_WORKER_SERVICE_ID along; looks every DEPLOY_POLL_S seconds (10), for at most DEPLOY_TIMEOUT_S.
# Leaves `previous=dep-…`, what a rollback goes back to, in the file that GITHUB_OUTPUT names.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${RENDER_API_KEY:?is not set}" "${RENDER_SERVICE_ID:?is not set}" "${DOCKERHUB_USERNAME:?is not set}" "${DIGEST:?is not set}"
source deploy/python.sh
result=$(mktemp)
trap 'rm -f "$result"' EXIT
"$python" deploy/render/deploy.py ${DEPLOY_TIMEOUT_S:+--timeout "$DEPLOY_TIMEOUT_S"} ${DEPLOY_POLL_S:+--poll "$DEPLOY_POLL_S"} deploy --image "docker.io/$DOCKERHUB_USERNAME/stockcrew@$DIGEST" >"$result"
previous=$("$python" -c 'import json, os, sys; print(json.load(sys.stdin)[os.environ["RENDER_SERVICE_ID"]]["previous"] or "")' <"$result")
echo "previous=$previous" >>"${GITHUB_OUTPUT:-/dev/stdout}"
