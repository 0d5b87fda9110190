#!/usr/bin/env bash
# Let the tag `latest` of both images name the digests DIGEST_ALL and DIGEST_API, once they are scanned. Needs DOCKERHUB_USERNAME and a logged-in docker.
set -euo pipefail
: "${DOCKERHUB_USERNAME:?is not set}" "${DIGEST_ALL:?is not set}" "${DIGEST_API:?is not set}"
docker buildx imagetools create --tag "docker.io/$DOCKERHUB_USERNAME/stockcrew:latest" "docker.io/$DOCKERHUB_USERNAME/stockcrew@$DIGEST_ALL"
docker buildx imagetools create --tag "docker.io/$DOCKERHUB_USERNAME/stockcrew-api:latest" "docker.io/$DOCKERHUB_USERNAME/stockcrew-api@$DIGEST_API"
