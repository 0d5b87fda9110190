# Sourced: `render FOLDER` renders every overlay into FOLDER/NAME.yaml, as deploy.sh applies it but with the digests of nobody's images.
# shellcheck shell=bash
source deploy/k8s/release.sh
render() {
  local folder=$1 overlay name release DOCKERHUB_USERNAME=example DIGEST_ALL DIGEST_API
  DIGEST_ALL=sha256:$(printf 'a%.0s' {1..64}) DIGEST_API=sha256:$(printf 'b%.0s' {1..64})
  mkdir -p "$folder"
  for overlay in deploy/k8s/overlays/*/; do
    name=$(basename "$overlay")
    release=$(mktemp -d "$PWD/deploy/k8s/.release.XXXXXX")
    write_release "$release" "$name"
    kubectl kustomize "$release" >"$folder/$name.yaml" || { rm -rf "$release"; echo "kubernetes: the overlay $name cannot be rendered" >&2; return 1; }
    rm -rf "$release"
  done
}
