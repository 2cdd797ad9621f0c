#!/usr/bin/env bash
# Shows where one of our TaskManagers spends its time during jobs/throughput.toml: the functions that the samples of `perf`
# fall into, per kind of thread.
#
# usage: benches/throughput/profile.sh [--rows N] [--keys K] [--parallelism P] [--skip-build]
#   --rows N          default: 60000000 with up to 100000 keys, 5000000 with more
#   --keys K          distinct keys (default: 1000)
#   --parallelism P   1 to 4 (default: 2)
#   --top N           functions shown (default: 25)
#   --skip-build      takes the binaries that are there
# Needs perf (Debian: apt-get install linux-perf) and the right to use it: root, or kernel.perf_event_paranoid of 0 or less.
# environment: CARGO_TARGET_DIR, BETTIFLOW_BIN_DIR as for run.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"

read_arguments "$@"
have perf || die "there is no profile: perf was not found (Debian: apt-get install linux-perf)"
build_binaries
exec python3 -B "$PROGRAM_FOLDER/profile_job.py" "${arguments[@]}"
