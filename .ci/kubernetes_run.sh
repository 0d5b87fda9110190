#!/usr/bin/env bash
# The rendered API under `podman play kube`, with a PostgreSQL and a Redis of its own: `kubernetes_run.sh ENGINE_PREFIX API_TAG`, of an image that is built.
set -euo pipefail
cd "$(dirname "$0")/.."
source .ci/tools.sh
source .ci/kubernetes.sh
engine=${1:?command prefix of the engine} image=${2:?tag of the image of the API}
command -v kubectl >/dev/null || { echo "ci: kubectl is a prerequisite of the gate (CONTRIBUTING.md)" >&2; exit 1; }
need podman podman catatonit catatonit redis-server redis-server '/usr/lib/postgresql/*/bin/initdb' postgresql
ci_tools
if [[ $engine == docker ]]; then
  docker save "$image" | podman load --quiet >/dev/null
  engine=podman
fi
folder=$(mktemp -d)
redis=
trap 'bash .ci/postgres.sh stop "$folder/postgres" || true; [[ -z $redis ]] || kill "$redis"; rm -rf "$folder"' EXIT
chmod 0755 "$folder"
render "$folder"
bash .ci/postgres.sh start "$folder/postgres" >"$folder/url"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 --save '' --daemonize no >/dev/null &
redis=$!
.venv/ci-tools/bin/python .ci/kube_check.py --engine "$engine" --api "$image" --manifest "$folder/staging.yaml" \
  --database "$(tail -n 1 "$folder/url")" --redis "redis://127.0.0.1:$port/0"
