#!/usr/bin/env bash
# the image built for real and run: locked down, one analysis, a second life on the same volume, SIGTERM; the API as Kubernetes runs it
set -euo pipefail
IMAGE_BUILD_DIR=$(mktemp -d)
export IMAGE_BUILD_DIR
trap 'rm -rf "$IMAGE_BUILD_DIR"' EXIT
bash .ci/image.sh api localhost/stockcrew:api --build-arg SAMPLE_DATA=omitted >/dev/null
engine=$(bash .ci/image.sh all localhost/stockcrew:check | tail -n 1)
python3 .ci/image_check.py --engine "$engine" --all localhost/stockcrew:check --api localhost/stockcrew:api
bash .ci/kubernetes_run.sh "$engine" localhost/stockcrew:api
