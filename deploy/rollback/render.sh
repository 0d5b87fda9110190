#!/usr/bin/env bash
# Roll Render back to the deploy ROLLBACK_TARGET (dep-…), or to what was live before. ROLLBACK_REASON is written into the log.
# Needs RENDER_API_KEY and RENDER_SERVICE_ID, takes RENDER_WORKER_SERVICE_ID along. Migrations are not reverted; older releases run on a newer database.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${RENDER_API_KEY:?is not set}" "${RENDER_SERVICE_ID:?is not set}"
source deploy/python.sh
printf 'rollback: %s\n' "$(tr -cd '[:print:]' <<<"${ROLLBACK_REASON:-no reason given}")" >&2
exec "$python" deploy/render/deploy.py rollback ${ROLLBACK_TARGET:+--to "$ROLLBACK_TARGET"}
