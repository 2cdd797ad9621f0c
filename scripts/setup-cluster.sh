#!/usr/bin/env bash
# Starts, shows or stops a cluster of one of three sizes.
#
# usage: scripts/setup-cluster.sh --environment dev|staging|prod [options]
#   dev       1 TaskManager  x 2 slots, checkpoints on this disk every minute
#   staging   2 TaskManagers x 4 slots, checkpoints on this disk every minute
#   prod      3 TaskManagers x 8 slots, checkpoints in S3 every 30 seconds
# options:
#   --target local        processes on this machine (the default); compose and kubernetes are not there yet
#   --skip-kafka          no broker is started and no topic created
#   --skip-build          takes the binaries that are there
#   --debug               the debug build instead of the release build
#   --status | --stop     shows or stops what this script has started
#   --verbose             says more
# The configuration is deploy/ENVIRONMENT/flink-conf.yaml. Logs, pids and data go to .bettiflow/ENVIRONMENT. Processes that
# end by themselves are started again until --stop. Running it again starts only what is not running.
#
# environment:
#   KAFKA_BOOTSTRAP           HOST:PORT of your Kafka; unset: local-services is started, a small one-node stand-in
#   S3_ENDPOINT               URL of your S3 service (prod), with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the keys
#                             alone mean Amazon's; neither: local-services
#   BETTIFLOW_CHECKPOINT_DIR  s3://bucket/prefix or file:///path instead of what the configuration says
#   BETTIFLOW_REST_PORT, BETTIFLOW_RPC_PORT, BETTIFLOW_KAFKA_PORT, BETTIFLOW_S3_PORT
#                             ports instead of those of the configuration, 9092 and 9000
#   BETTIFLOW_RUN_DIR         a folder instead of .bettiflow/ENVIRONMENT
#   BETTIFLOW_BIN_DIR         a folder of binaries instead of cargo's
set -euo pipefail
. "$(dirname "$0")/lib.sh"

environment=dev target=local action=start skip_kafka= skip_build= profile=release
while [ $# -gt 0 ]; do
    case "$1" in
        --environment) [ $# -ge 2 ] || usage_error "--environment needs a value"; environment="$2"; shift ;;
        --environment=*) environment="${1#*=}" ;;
        --target) [ $# -ge 2 ] || usage_error "--target needs a value"; target="$2"; shift ;;
        --target=*) target="${1#*=}" ;;
        --skip-kafka) skip_kafka=yes ;;
        --skip-build) skip_build=yes ;;
        --debug) profile=debug ;;
        --status) action=status ;;
        --stop) action=stop ;;
        --verbose) VERBOSE=yes ;;
        -h | --help) print_help; exit 0 ;;
        *) usage_error "unknown argument $1" ;;
    esac
    shift
done
case "$environment" in
    dev) taskmanagers=1 ;;
    staging) taskmanagers=2 ;;
    prod) taskmanagers=3 ;;
    *) usage_error "unknown environment $environment; it is dev, staging or prod" ;;
esac
case "$target" in
    local) ;;
    compose | kubernetes) die "--target $target is not available yet; --target local starts the same cluster on this machine" ;;
    *) usage_error "unknown target $target; it is local, compose or kubernetes" ;;
esac

run="${BETTIFLOW_RUN_DIR:-$ROOT/.bettiflow/$environment}"
conf="$ROOT/deploy/$environment/flink-conf.yaml"
conf_value() { sed -n "s/^$1:[[:space:]]*//p" "$conf" | sed 's/[[:space:]]*#.*//; s/^"\(.*\)"$/\1/' | head -n 1; }
value_or() { local value; value="$(conf_value "$1")"; say "${value:-$2}"; }

slots="$(value_or taskmanager.numberOfTaskSlots 1)"
rest_port="${BETTIFLOW_REST_PORT:-$(value_or rest.port 8082)}"
rpc_port="${BETTIFLOW_RPC_PORT:-$(value_or jobmanager.rpc.port 6123)}"
kafka_port="${BETTIFLOW_KAFKA_PORT:-9092}"
s3_port="${BETTIFLOW_S3_PORT:-9000}"
rest="http://127.0.0.1:$rest_port"
names=(local-services jobmanager)
for ((number = 1; number <= taskmanagers; number++)); do names+=("taskmanager-$number"); done

supervisor_of() { say "$run/pids/$1.supervisor.pid"; }
is_supervised() { read_pid "$(supervisor_of "$1")" >/dev/null; }

# --- status and stop

print_status() {
    local name pid state overview
    printf '%-16s %-12s %-8s %s\n' PROCESS STATE PID LOG
    for name in "${names[@]}"; do
        if pid="$(read_pid "$run/pids/$name.pid")"; then
            state=running
        elif is_supervised "$name"; then
            state=restarting pid=-
        elif [ "$name" = local-services ]; then
            continue
        else
            state=stopped pid=-
        fi
        printf '%-16s %-12s %-8s %s\n' "$name" "$state" "$pid" "$run/logs/$name.log"
    done
    if overview="$(http_get "$rest/overview" 2>/dev/null)"; then
        say "TaskManagers $(json_number "$overview" taskmanagers) of $taskmanagers," \
            "slots free $(json_number "$overview" slots-available) of $(json_number "$overview" slots-total)," \
            "jobs running $(json_number "$overview" jobs-running): $rest"
    else
        say "no JobManager answers at $rest"
        return 1
    fi
}

stop_cluster() {
    local name stopped=
    # Supervisors end their processes; were the processes ended first, they would be started again.
    for name in $(printf '%s\n' "${names[@]}" | tac); do
        if is_supervised "$name" || read_pid "$run/pids/$name.pid" >/dev/null; then
            detail "stopping $name"
            end_process "$(supervisor_of "$name")" 15
            end_process "$run/pids/$name.pid" 10
            stopped="$stopped $name"
        fi
        rm -f "$run/pids/$name.pid" "$(supervisor_of "$name")"
    done
    say "stopped:${stopped:- nothing was running}"
}

case "$action" in
    status) print_status; exit ;;
    stop) stop_cluster; exit ;;
esac

# --- start

mkdir -p "$run/logs" "$run/pids" "$run/data"
run="$(cd "$run" && pwd)"
exec 9>"$run/lock"
flock --nonblock 9 || die "another setup-cluster.sh is at work in $run"

if [ -z "$skip_build" ] && [ -z "${BETTIFLOW_BIN_DIR:-}" ]; then
    build=("$ROOT/scripts/build.sh")
    if [ "$profile" = debug ]; then build+=(--debug); fi
    "${build[@]}" 9>&-
fi
bin="$(bin_dir "$profile")"
for name in jobmanager taskmanager; do
    [ -x "$bin/$name" ] || die "$bin/$name is missing; run scripts/build.sh"
done

refuse_taken_port() {
    if is_listening 127.0.0.1 "$2"; then
        die "port $2 for $1 is taken by another process; $3"
    fi
}

start() {
    local name="$1"
    shift
    if is_supervised "$name"; then
        detail "$name is already running"
        return
    fi
    # A process that outlived its supervisor would hold the port of the new one.
    end_process "$run/pids/$name.pid" 10
    if [ -f "$run/logs/$name.log" ]; then mv "$run/logs/$name.log" "$run/logs/$name.log.1"; fi
    detail "starting $name: $*"
    setsid "$ROOT/scripts/supervise.sh" "$name" "$run" "$@" >"$run/logs/$name.log" 2>&1 9>&- </dev/null &
}

fail_with_log() {
    warn "$2; the end of $run/logs/$1.log:"
    tail -n 15 "$run/logs/$1.log" >&2 || true
    exit 1
}

checkpoints="${BETTIFLOW_CHECKPOINT_DIR:-$(value_or execution.checkpointing.dir file://)}"
case "$checkpoints" in
    file:///*) ;;
    # A relative directory of the configuration means one of this cluster.
    file:*) checkpoints="file://$run/data/checkpoints" ;;
esac
options=(-D "rest.port=$rest_port" -D "jobmanager.rpc.port=$rpc_port" -D "execution.checkpointing.dir=$checkpoints")
options+=(-D "io.tmp.dirs=$run/data/tmp")
mkdir -p "$run/data/tmp"

# The memory of prod is meant for a machine each; several TaskManagers on this one must share what is there.
to_mib() {
    case "${1,,}" in
        *g | *gb | *gib) say $((${1//[!0-9]/} * 1024)) ;;
        *) say "${1//[!0-9]/}" ;;
    esac
}
wished="$(to_mib "$(value_or taskmanager.memory.process.size 1g)")"
available=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 6 / 10 / 1024 / taskmanagers))
if ((wished > available)); then
    say "memory: ${available} MiB for each TaskManager instead of ${wished} MiB, because this machine has no more"
    options+=(-D "taskmanager.memory.process.size=${available}m")
fi

# local-services, where no real services are configured
services=()
case "$checkpoints" in
    s3://*)
        if [ -n "${S3_ENDPOINT:-}" ]; then
            services+=(--no-s3)
            options+=(-D "s3.endpoint=$S3_ENDPOINT" -D s3.path-style-access=true)
        elif [ -z "$(conf_value s3.endpoint)" ] && [ -z "${AWS_ACCESS_KEY_ID:-}${AWS_PROFILE:-}${AWS_WEB_IDENTITY_TOKEN_FILE:-}" ]; then
            bucket="${checkpoints#s3://}"
            services+=(--s3-port "$s3_port" --bucket "${bucket%%/*}")
            options+=(-D "s3.endpoint=http://127.0.0.1:$s3_port" -D s3.path-style-access=true)
            export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_ENDPOINT_URL="http://127.0.0.1:$s3_port"
        else
            services+=(--no-s3)
        fi
        ;;
    *) services+=(--no-s3) ;;
esac
bootstrap="${KAFKA_BOOTSTRAP:-}"
if [ -n "$skip_kafka" ] || [ -n "$bootstrap" ]; then
    services+=(--no-kafka)
else
    services+=(--kafka-port "$kafka_port")
    bootstrap="127.0.0.1:$kafka_port"
fi
case " ${services[*]} " in
    " --no-s3 --no-kafka ") ;;
    *)
        [ -x "$bin/local-services" ] || die "$bin/local-services is missing; run scripts/build.sh"
        if ! is_supervised local-services; then
            case " ${services[*]} " in
                *--kafka-port*)
                    refuse_taken_port Kafka "$kafka_port" "use that broker with KAFKA_BOOTSTRAP=localhost:$kafka_port, or choose another port with BETTIFLOW_KAFKA_PORT"
                    say "no KAFKA_BOOTSTRAP is set: local-services stands in for Kafka at 127.0.0.1:$kafka_port (one node, not for production)" ;;
            esac
            case " ${services[*]} " in
                *--s3-port*)
                    refuse_taken_port S3 "$s3_port" "use that service with S3_ENDPOINT=http://localhost:$s3_port, or choose another port with BETTIFLOW_S3_PORT"
                    say "no S3_ENDPOINT is set: local-services stands in for S3 at http://127.0.0.1:$s3_port (one node, not for production)" ;;
            esac
            rm -f "$run/data/services/"*.address
        fi
        start local-services "$bin/local-services" --data-dir "$run/data/services" "${services[@]}"
        ;;
esac

if ! is_supervised jobmanager; then
    refuse_taken_port "REST and the web page" "$rest_port" "choose another with BETTIFLOW_REST_PORT"
    refuse_taken_port "the JobManager" "$rpc_port" "choose another with BETTIFLOW_RPC_PORT"
fi
case " ${services[*]} " in
    *--s3-port*) wait_for_address "127.0.0.1:$s3_port" 20 || fail_with_log local-services "local-services does not answer" ;;
esac
start jobmanager "$bin/jobmanager" --config "$conf" "${options[@]}"
for ((number = 1; number <= taskmanagers; number++)); do
    start "taskmanager-$number" "$bin/taskmanager" --config "$conf" "${options[@]}"
done

# topics
if [ -z "$skip_kafka" ]; then
    wait_for_address "$bootstrap" 20 || {
        [ -z "${KAFKA_BOOTSTRAP:-}" ] || die "no broker answers at KAFKA_BOOTSTRAP=$bootstrap"
        fail_with_log local-services "local-services does not answer"
    }
    partitions=$((slots > 4 ? slots : 4))
    [ -x "$bin/kafka-topics" ] || die "$bin/kafka-topics is missing; run scripts/build.sh"
    topics=()
    for topic in tda_stream_input tda_stream_output tda_errors tda_jobs tda_results tda_events tda_uploads; do
        topics+=("$topic:$partitions")
    done
    detail "creating topics: ${topics[*]}"
    created="$("$bin/kafka-topics" --bootstrap "$bootstrap" create "${topics[@]}")" || die "the topics could not be created at $bootstrap"
    detail "$created"
fi

# the cluster answers, with all its slots
deadline=$((SECONDS + 60)) overview=
until overview="$(http_get "$rest/overview" 2>/dev/null)" &&
    [ "$(json_number "$overview" taskmanagers)" -ge "$taskmanagers" ] 2>/dev/null &&
    [ "$(json_number "$overview" slots-total)" -ge $((taskmanagers * slots)) ] 2>/dev/null; do
    for name in jobmanager "taskmanager-1"; do
        if grep -q "so it is left alone" "$run/logs/$name.log" 2>/dev/null; then fail_with_log "$name" "$name does not start"; fi
    done
    if ((SECONDS >= deadline)); then
        if [ -z "$overview" ]; then fail_with_log jobmanager "the JobManager does not answer at $rest within 60 s"; fi
        fail_with_log taskmanager-1 "not all TaskManagers have registered within 60 s ($overview)"
    fi
    sleep 0.2
done

cat >"$run/cluster.env" <<ENV
BETTIFLOW_ENVIRONMENT=$environment
BETTIFLOW_JOBMANAGER=127.0.0.1:$rpc_port
BETTIFLOW_REST=$rest
BETTIFLOW_KAFKA=$bootstrap
BETTIFLOW_BIN=$bin
ENV
say "$environment is up: $taskmanagers TaskManager(s) x $slots slots, checkpoints in $checkpoints every $(value_or execution.checkpointing.interval '1 min')"
say "  page and REST   $rest"
say "  JobManager      127.0.0.1:$rpc_port   (submit-job --jobmanager, or BETTIFLOW_JOBMANAGER)"
case "$skip_kafka:$bootstrap" in
    yes:*) ;;
    :127.0.0.1:9092 | :localhost:9092) say "  Kafka           $bootstrap" ;;
    *) say "  Kafka           $bootstrap   (submit-job --set kafka_bootstrap_servers=$bootstrap, for jobs with that parameter)" ;;
esac
say "  logs            $run/logs"
say "stop it with: scripts/setup-cluster.sh --environment $environment --stop"
