# Sourced by what applies manifests and by what checks them, so that both see the same: `write_release FOLDER OVERLAY` writes into a new folder beside
# the overlays a kustomization with the images DIGEST_ALL and DIGEST_API of DOCKERHUB_USERNAME. The release's name is a digest of all that it consists
# of; in the pods' template it gives every Deployment one revision for each release, which a rollback finds again (deploy/k8s/revisions.py).
# RUNBOOK_URL is where alerts lead to, by default docs/operations.md of this commit on GitHub where a workflow says which repository it is.
# shellcheck shell=bash
write_release() {
  local rendered release runbook=${RUNBOOK_URL:-}
  rendered=$(kubectl kustomize "deploy/k8s/overlays/$2")
  release=$(sha256sum <<<"$rendered $DIGEST_ALL $DIGEST_API" | cut -c 1-16)
  [[ -n $runbook || -z ${GITHUB_REPOSITORY:-} ]] || runbook=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/blob/$GITHUB_SHA/docs/operations.md
  cat >"$1/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../overlays/$2]
images:
  - {name: stockcrew, newName: docker.io/$DOCKERHUB_USERNAME/stockcrew, digest: "$DIGEST_ALL"}
  - {name: stockcrew-api, newName: docker.io/$DOCKERHUB_USERNAME/stockcrew-api, digest: "$DIGEST_API"}
patches:
  - target: {kind: Deployment, labelSelector: app.kubernetes.io/part-of=stockcrew}
    patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: any}
      spec: {template: {metadata: {annotations: {stockcrew/release: "$release"}}}}
YAML
  [[ -z $runbook ]] || cat >>"$1/kustomization.yaml" <<YAML
configMapGenerator:
  - name: stockcrew-runbook
    literals: ["url=$runbook"]
    options: {annotations: {config.kubernetes.io/local-config: "true"}}
replacements:
  - source: {kind: ConfigMap, name: stockcrew-runbook, fieldPath: data.url}
    targets:
      - select: {kind: PrometheusRule}
        fieldPaths: ["spec.groups.*.rules.*.annotations.runbook_url"]
        options: {delimiter: "#", index: 0}
YAML
}
