#!/usr/bin/env bash
# Runs every test: format, lints, layers, the Rust tests, the page's tests, and the end-to-end tests on real processes.
#
# usage: scripts/test.sh [--quick]
#   --quick   without a real Apache Kafka and an independent S3 server
# Gets Apache Kafka from Maven and the S3 server moto from PyPI where this machine can, and runs the end-to-end tests on
# them as well as on local-services. At its end it says what it could not get.
# environment: BETTIFLOW_TEST_CACHE  where Kafka and moto are kept (default .bettiflow/test)
set -uo pipefail
. "$(dirname "$0")/lib.sh"

real=yes
for argument in "$@"; do
    case "$argument" in
        --quick) real= ;;
        -h | --help) print_help; exit 0 ;;
        *) usage_error "unknown argument $argument" ;;
    esac
done
cd "$ROOT"
cache="${BETTIFLOW_TEST_CACHE:-$ROOT/.bettiflow/test}"
mkdir -p "$cache"
work="$(mktemp -d)"
children=()
clean_up() {
    local pid
    for pid in ${children[@]+"${children[@]}"}; do kill "$pid" 2>/dev/null; done
    for pid in ${children[@]+"${children[@]}"}; do wait "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

failed=() left_out=()
run() {
    local name="$1" began=$SECONDS
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    if "$@"; then
        printf '== %s passed in %d s\n' "$name" $((SECONDS - began))
    else
        printf '== %s FAILED after %d s\n' "$name" $((SECONDS - began))
        failed+=("$name")
        return 1
    fi
}

run format cargo fmt --all --check
run layers scripts/check-layers

# The page first: the jobmanager binary embeds it.
page_tests() { cd jobmanager/web && npm ci --no-audit --no-fund --loglevel=error && npm test && npm run check && npm run --silent build; }
if scripts/install-prerequisites.sh --check | grep -q "page with Node.js"; then
    run page bash -euc "$(declare -f page_tests); page_tests"
else
    left_out+=("the page and its tests: they need Node.js ^20.19 or >= 22.12")
fi

run lints cargo clippy --locked --workspace --all-targets -- -D warnings
# Binaries before tests: the end-to-end tests start them.
if run build cargo build --locked --workspace --bins; then
    run tests cargo test --locked --workspace --exclude tests
    run "end to end" cargo test --locked -p tests -- --nocapture --test-threads=1
fi

if have valgrind; then
    run instructions scripts/check-instructions
else
    left_out+=("the instruction counts of hot loops: valgrind is needed")
fi

# --- the same against services that are not ours

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_kafka() {
    scripts/fetch-kafka.sh "$cache/kafka" || return 1
    local port
    port="$(free_port)"
    KAFKA_CONTROLLER_PORT="$(free_port)" scripts/run-kafka.sh "$cache/kafka" "$work/kafka" "$port" >"$work/kafka.log" 2>&1 &
    children+=($!)
    wait_for_address "127.0.0.1:$port" 90 || { tail -n 20 "$work/kafka.log"; return 1; }
    kafka="127.0.0.1:$port"
}

start_moto() {
    # The mark is written last: without it the environment is unfinished.
    if [ ! -f "$cache/moto/complete" ]; then
        rm -rf "$cache/moto"
        python3 -m venv "$cache/moto" &&
            "$cache/moto/bin/pip" install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.2' &&
            touch "$cache/moto/complete" || return 1
    fi
    local port
    port="$(free_port)"
    # With threads, moto lets two writers create the same object now and then.
    "$cache/moto/bin/python" - "$port" >"$work/moto.log" 2>&1 <<'PYTHON' &
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
PYTHON
    children+=($!)
    wait_for_address "127.0.0.1:$port" 60 || { tail -n 20 "$work/moto.log"; return 1; }
    curl --silent --fail --max-time 10 -X PUT "http://127.0.0.1:$port/bettiflow-tests" >/dev/null || return 1
    s3="http://127.0.0.1:$port"
}

kafka= s3=
if [ -z "$real" ]; then
    left_out+=("Apache Kafka and an independent S3 server: --quick")
else
    printf '\n== services that are not ours\n'
    start_kafka || left_out+=("Apache Kafka: java 17, maven and Maven Central are needed")
    start_moto || left_out+=("moto, an independent S3 server: python3 -m venv and PyPI are needed")
fi
if [ -n "$kafka" ]; then
    run "conformance on Apache Kafka" env KAFKA_BOOTSTRAP="$kafka" cargo test --locked -p local-services --test kafka_conformance
fi
if [ -n "$kafka$s3" ]; then
    run "end to end on ${kafka:+Apache Kafka }${s3:+moto}" env KAFKA_BOOTSTRAP="$kafka" BETTIFLOW_TEST_S3="$s3" \
        AWS_ACCESS_KEY_ID=tests AWS_SECRET_ACCESS_KEY=tests cargo test --locked -p tests --test end_to_end -- --nocapture --test-threads=1
fi
have chromium || have chromium-browser || have google-chrome || left_out+=("the page in a browser: chromium is needed")

printf '\n'
for reason in ${left_out[@]+"${left_out[@]}"}; do say "left out: $reason"; done
if [ ${#failed[@]} -gt 0 ]; then
    say "FAILED: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
    exit 1
fi
say "all tests passed${left_out[0]+ that this machine could run}"
