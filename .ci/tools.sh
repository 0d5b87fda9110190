# Sourced by stages. `need COMMAND PACKAGE ...` sees to it that each command is there, by apt where it is missing, or fails loudly.
# shellcheck shell=bash
need() {
  local missing=() command package
  local -a pairs=("$@")
  for ((i = 0; i < ${#pairs[@]}; i += 2)); do
    present "${pairs[i]}" || missing+=("${pairs[i + 1]}")
  done
  if ((${#missing[@]})); then
    export DEBIAN_FRONTEND=noninteractive
    local as_root=()
    ((EUID == 0)) || as_root=(sudo --non-interactive --preserve-env=DEBIAN_FRONTEND)
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || { echo "ci: apt-get could not install: ${missing[*]}" >&2; return 1; }
  fi
  for ((i = 0; i < ${#pairs[@]}; i += 2)); do
    command=${pairs[i]} package=${pairs[i + 1]}
    present "$command" || { echo "ci: $command is missing though the package $package is installed" >&2; return 1; }
  done
}

present() { # a command on the path, or a file by pattern
  command -v "$1" >/dev/null || compgen -G "$1" >/dev/null
}

ci_tools() { # the linters of requirements-ci.txt in an environment of their own, first on the path
  local stamp=.venv/ci-tools/.installed
  if [[ ! -e $stamp || requirements-ci.txt -nt $stamp ]]; then
    python3 -m venv .venv/ci-tools
    .venv/ci-tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements-ci.txt
    touch "$stamp"
  fi
  PATH=$PWD/.venv/ci-tools/bin:$PATH
}
