# Sourced by the scripts that talk to a cluster: writes KUBE_CONFIG to a private file and names what is rolled out.
# shellcheck shell=bash
NAMESPACE=${NAMESPACE:-stockcrew} WAIT=${WAIT:-10m} SELECTOR=app.kubernetes.io/part-of=stockcrew
given=${KUBE_CONFIG:?is not set}
unset KUBE_CONFIG
KUBECONFIG=$(umask 077 && mktemp)
export KUBECONFIG
base64 --decode <<<"$given" >"$KUBECONFIG" 2>/dev/null || printf '%s\n' "$given" >"$KUBECONFIG"

kube() { kubectl --namespace "$NAMESPACE" "$@" </dev/null; }

deployments() { kube get deployment --selector "$SELECTOR" --output name; }

wait_for_rollout() {
  local name names
  names=$(deployments)
  [[ -n $names ]] || { echo "no Deployment with the label $SELECTOR in the namespace $NAMESPACE" >&2; return 1; }
  for name in $names; do kube rollout status "$name" --timeout "$WAIT" || return 1; done
}

revisions() { # current | plan [TARGET]
  kube get deployments,replicasets --selector "$SELECTOR" --output json | "${PYTHON:-python3}" deploy/k8s/revisions.py "$@"
}

# What is left is marked before anything moves, so that a rollback which is cut off is known as one.
leave() { kube label replicaset "$1" --overwrite stockcrew/rolled-back=true; }

accept() { kube label replicaset "$1" stockcrew/rolled-back-; }

roll_back() { # [TARGET]
  local moves name revision from to
  moves=$(revisions plan "$@") || return 1
  [[ -n $moves ]] || { echo "rollback: that release is the current one" >&2; return 0; }
  while read -r name revision from to; do leave "$from" || return 1; done <<<"$moves"
  while read -r name revision from to; do
    kube rollout undo "$name" --to-revision "$revision" && accept "$to" || return 1
  done <<<"$moves"
}

undo_since() { # the lines of `revisions current` before the release
  local name revision now _ before="$1" after
  after=$(revisions current) || return 1
  while read -r name revision now; do
    [[ -n $name ]] || continue
    ! grep -qxF "$name $revision $now" <<<"$before" || continue
    leave "$now" || return 1
    read -r _ revision _ <<<"$(grep "^$name " <<<"$before")"
    [[ -n $revision ]] || { echo "deploy: $name is new, there is nothing to undo it to" >&2; continue; }
    kube rollout undo "$name" --to-revision "$revision" || return 1
  done <<<"$after"
}
