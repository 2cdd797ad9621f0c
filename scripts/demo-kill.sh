#!/usr/bin/env bash
# Kills the TaskManager of the quickstart with SIGKILL and shows that the job comes back from its last checkpoint.
#
# usage: scripts/demo-kill.sh          after scripts/quickstart.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case "${1:-}" in
    "") ;;
    -h | --help) print_help; exit 0 ;;
    *) usage_error "unknown argument $1" ;;
esac

run="${BETTIFLOW_RUN_DIR:-$ROOT/.bettiflow/dev}"
[ -f "$run/cluster.env" ] || die "no dev cluster has been started; run scripts/quickstart.sh"
. "$run/cluster.env"
export BETTIFLOW_JOBMANAGER
victim="$(read_pid "$run/pids/taskmanager-1.pid")" || die "no TaskManager is running; run scripts/quickstart.sh"
"$BETTIFLOW_BIN/submit-job" --status quickstart || die "the job quickstart is not running; run scripts/quickstart.sh"

say
say "killing TaskManager $victim"
began="$(date +%s%N)"
kill -KILL "$victim"
deadline=$((SECONDS + 60)) gone=
while ((SECONDS < deadline)); do
    overview="$(http_get "$BETTIFLOW_REST/jobs/overview" 2>/dev/null || true)"
    now="$((($(date +%s%N) - began) / 1000000))"
    case "$overview" in
        *RESTARTING* | *INITIALIZING* | *FAILING* | *CREATED*)
            [ -n "$gone" ] || say "$now ms: the loss is noticed, the job restarts"
            gone=yes ;;
        *RUNNING*)
            if [ -n "$gone" ] && read_pid "$run/pids/taskmanager-1.pid" >/dev/null; then
                say "$now ms: the job runs again, on TaskManager $(read_pid "$run/pids/taskmanager-1.pid")"
                "$BETTIFLOW_BIN/kafka-diagrams" --bootstrap "$BETTIFLOW_KAFKA" --count 2 --min-points 20 --bars 2 --timeout 60
                say "the stream goes on; the failure is on the page: $BETTIFLOW_REST/"
                exit 0
            fi ;;
    esac
    sleep 0.02
done
die "the job did not come back within 60 s; the logs are in $run/logs"
