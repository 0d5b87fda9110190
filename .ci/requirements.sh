#!/usr/bin/env bash
# Write requirements*.txt from pyproject.toml with exact versions and hashes, for every platform and Python the project supports.
#   .ci/requirements.sh           write
#   .ci/requirements.sh --check   fail when the files no longer follow from pyproject.toml (pins are kept as they are)
set -euo pipefail
cd "$(dirname "$0")/.."
UV=${UV:-$(command -v uv || echo .venv/bin/uv)}
command -v "$UV" >/dev/null || { echo "requirements: uv is missing: pip install uv" >&2; exit 1; }

compile() { # target constraints... -- selections...
  local target=$1; shift
  "$UV" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --output-file "$target" "$@"
}

target_folder=.
if [[ ${1:-} == --check ]]; then
  target_folder=$(mktemp -d)
  trap 'rm -rf "$target_folder"' EXIT
  cp requirements*.txt "$target_folder"
fi
compile "$target_folder/requirements.txt" pyproject.toml --group build --extra web --extra worker
compile "$target_folder/requirements-api.txt" pyproject.toml --group build --extra web --constraints requirements.txt
compile "$target_folder/requirements-dev.txt" pyproject.toml --group build --extra web --extra worker --group test --group lint --constraints requirements.txt
compile "$target_folder/requirements-loadtest.txt" --group loadtest
compile "$target_folder/requirements-client.txt" --group client
compile "$target_folder/requirements-ci.txt" --group ci
compile "$target_folder/requirements-checkov.txt" --group checkov

if [[ $target_folder != . ]]; then
  for file in requirements*.txt; do
    diff -u "$file" "$target_folder/$file" >/dev/null || { echo "requirements: $file does not follow from pyproject.toml; run 'make requirements'" >&2; exit 1; }
  done
fi
