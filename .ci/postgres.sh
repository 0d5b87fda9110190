#!/usr/bin/env bash
# A private PostgreSQL server for tests: `postgres.sh start FOLDER` prints its URL on the last line, `postgres.sh stop FOLDER` ends it.
# Listens on loopback only, on a free port, and forgets durability for speed. As root it runs under the system's postgres user.
set -euo pipefail

action=${1:?start or stop}
folder=${2:?a folder of its own}
binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[[ -n $binaries ]] || binaries=$(dirname "$(command -v initdb || true)")
[[ -x $binaries/initdb ]] || { echo "postgres.sh: PostgreSQL's server programs are missing: install the package postgresql" >&2; exit 1; }

as_owner() {
  if ((EUID == 0)); then (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"); else "$@"; fi
}

case $action in
  start)
    mkdir -p "$folder"
    if ((EUID == 0)); then chown postgres: "$folder"; fi
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    as_owner "$binaries/initdb" --pgdata "$folder/data" --username stockcrew --auth trust --encoding UTF8 --no-sync >"$folder.initdb.log" 2>&1 \
      || { cat "$folder.initdb.log" >&2; exit 1; }
    rm -f "$folder.initdb.log"
    options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300"
    as_owner "$binaries/pg_ctl" --pgdata "$folder/data" --wait --timeout 60 --log "$folder/log" --options "$options" start >&2
    echo "postgresql://stockcrew@127.0.0.1:$port/postgres"
    ;;
  stop)
    [[ ! -e $folder/data/postmaster.pid ]] || as_owner "$binaries/pg_ctl" --pgdata "$folder/data" --wait --mode immediate stop >&2
    ;;
  *)
    echo "postgres.sh: start or stop, not $action" >&2
    exit 2
    ;;
esac
