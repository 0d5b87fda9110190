#!/usr/bin/env bash
# Build a target of the Dockerfile: `image.sh TARGET TAG [build arguments]`. The last line printed is the command prefix of the engine that has it.
# Takes the builder in the folder `shared` beside the checkout where there is one, else a Docker engine, else fails: an image is never pretended.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?target of the Dockerfile} tag=${2:?tag}
shift 2
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
arguments=(--target "$target" --build-arg "REVISION=$revision" --build-arg "VERSION=$version" "$@")
builder=../shared/tools/image-build

if [[ -x $builder ]]; then
  log=$(mktemp)
  "$builder" . "$tag" "${arguments[@]}" >"$log" 2>&1 || { tail -n 40 "$log" >&2; rm -f "$log"; echo "image: building $target failed" >&2; exit 1; }
  prefix=$(tail -n 1 "$log")
  rm -f "$log"
  echo "${prefix%% run --rm *}"
elif docker info >/dev/null 2>&1; then
  docker build --quiet --tag "$tag" "${arguments[@]}" . >&2
  echo docker
else
  echo "image: there is neither $builder nor a Docker engine here, so the image cannot be built" >&2
  exit 1
fi
