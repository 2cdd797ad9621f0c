#!/usr/bin/env bash
# Keeps one process running: starts it again when it ends, with growing pauses. setup-cluster.sh starts one per process.
#
# usage: scripts/supervise.sh NAME DIR COMMAND...
#   DIR/pids/NAME.pid              the process        DIR/pids/NAME.supervisor.pid   this script
#   DIR/logs/NAME.log              output of both; the log of an earlier run is kept as NAME.log.1
# Ends the process on SIGTERM. Gives up after 10 starts in a row that lasted less than 5 seconds.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
[ $# -ge 3 ] || usage_error "expected NAME DIR COMMAND..."
name="$1" dir="$2"
shift 2

pid_file="$dir/pids/$name.pid"
child=""
stopping=""
stop() {
    stopping=yes
    if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; fi
}
trap stop TERM INT HUP
note() { printf '%s supervisor: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

write_pid $$ "$dir/pids/$name.supervisor.pid"
quick=0
while [ -z "$stopping" ]; do
    started=$SECONDS
    "$@" </dev/null &
    child=$!
    write_pid "$child" "$pid_file"
    # `wait` also returns when a signal arrives; the child may then still be on its way out.
    wait "$child"
    status=$?
    deadline=$((SECONDS + 10))
    while [ -n "$stopping" ] && read_pid "$pid_file" >/dev/null; do
        if ((SECONDS >= deadline)); then kill -KILL "$child" 2>/dev/null; fi
        sleep 0.1
    done
    [ -z "$stopping" ] || break
    if ((SECONDS - started < 5)); then quick=$((quick + 1)); else quick=0; fi
    if ((quick >= 10)); then
        note "$name ended with status $status; it has ended 10 times within seconds of its start, so it is left alone"
        break
    fi
    pause=$((quick < 5 ? quick : 5))
    note "$name ended with status $status; it starts again in $pause s"
    sleep "$pause" &
    wait $!
done
rm -f "$pid_file" "$dir/pids/$name.supervisor.pid"
