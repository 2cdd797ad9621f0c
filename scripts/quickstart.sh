#!/usr/bin/env bash
# From a fresh clone to persistence diagrams of a live stream: installs what is missing, builds, starts the dev cluster,
# writes points to Kafka, submits jobs/tda.toml, and draws the first diagrams in the terminal.
#
# usage: scripts/quickstart.sh [--debug] [--seconds N] [--stop]
#   --debug       the debug build: ready sooner, computes slower
#   --seconds N   how long points are written (default 600; the job goes on waiting for more)
#   --stop        stops the stream and the cluster
# environment: that of scripts/setup-cluster.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"

flags=() seconds=600 stop=
while [ $# -gt 0 ]; do
    case "$1" in
        --debug) flags+=(--debug) ;;
        --seconds) [ $# -ge 2 ] || usage_error "--seconds needs a value"; seconds="$2"; shift ;;
        --stop) stop=yes ;;
        -h | --help) print_help; exit 0 ;;
        *) usage_error "unknown argument $1" ;;
    esac
    shift
done
run="${BETTIFLOW_RUN_DIR:-$ROOT/.bettiflow/dev}"
if [ -n "$stop" ]; then
    end_process "$run/pids/kafka-points.pid" 5
    exec "$ROOT/scripts/setup-cluster.sh" --environment dev --stop
fi

step() { printf '\n== %s\n' "$*"; }

if [ -z "${BETTIFLOW_BIN_DIR:-}" ]; then
    step "1/5 what is missing"
    "$ROOT/scripts/install-prerequisites.sh"
    step "2/5 build (the first time takes minutes)"
    "$ROOT/scripts/build.sh" ${flags[@]+"${flags[@]}"}
fi

step "3/5 a dev cluster: 1 TaskManager x 2 slots"
"$ROOT/scripts/setup-cluster.sh" --environment dev --skip-build ${flags[@]+"${flags[@]}"}
. "$run/cluster.env"
export BETTIFLOW_JOBMANAGER

step "4/5 points: 4 sensors, 60 points a second, for $seconds s, to the topic tda_stream_input"
end_process "$run/pids/kafka-points.pid" 5
setsid "$BETTIFLOW_BIN/kafka-points" --bootstrap "$BETTIFLOW_KAFKA" --rate 60 --seconds "$seconds" \
    >"$run/logs/kafka-points.log" 2>&1 </dev/null &
write_pid $! "$run/pids/kafka-points.pid"

step "5/5 the job: sliding windows of 10 s every 5 s, homology up to dimension 1"
if "$BETTIFLOW_BIN/submit-job" --list | grep -q quickstart; then
    say "it is running already"
else
    "$BETTIFLOW_BIN/submit-job" --job "$ROOT/jobs/tda.toml" --detached --parallelism 2 \
        --window-size 10s --slide-interval 5s --set job_name=quickstart --set max_dimension=1 \
        --set "kafka_bootstrap_servers=$BETTIFLOW_KAFKA"
fi
say
say "The first windows close about 15 s from now. Each is drawn as a barcode: a bar is a component (H0) or a loop (H1) of the"
say "cloud of points, from the scale at which it appears to the one at which it is filled. A circle is one long bar in H1."
say
"$BETTIFLOW_BIN/kafka-diagrams" --bootstrap "$BETTIFLOW_KAFKA" --count 6 --min-points 50 --bars 2 --timeout 90 || {
    warn "no diagram came; the logs are in $run/logs"
    "$BETTIFLOW_BIN/submit-job" --status quickstart || true
    exit 1
}
say "Look at it live:     $BETTIFLOW_REST/"
say "Draw more:           $BETTIFLOW_BIN/kafka-diagrams --bootstrap $BETTIFLOW_KAFKA"
say "Kill a TaskManager:  scripts/demo-kill.sh"
say "Stop everything:     scripts/quickstart.sh --stop"
