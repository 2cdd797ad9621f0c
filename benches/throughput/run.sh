#!/usr/bin/env bash
# Measures how fast rows pass through a cluster, ours and Apache Flink's side by side: generate, exchange by key between two
# TaskManagers, count per tumbling window, discard. Prints a markdown table; takes some minutes, more on a busy machine.
#
# usage: benches/throughput/run.sh [options]
#   --rows N              rows of every run (default: 20000000 with up to 100000 keys, 5000000 with more)
#   --keys K,K...         distinct keys (default: 1000,1000000)
#   --parallelism P,P...  1 to 4 (default: 2,4)
#   --runs R              runs of each of which the median is shown (default: 3)
#   --key-type T          of Flink's rows: long, its fastest, or text, as ours are (default: long)
#   --no-object-reuse     Flink copies rows between chained operators, its default; without this it need not
#   --without-flink       measures ours alone
#   --skip-build          takes the binaries that are there
#   --keep                keeps the folder with configurations and logs
# environment:
#   CARGO_TARGET_DIR      where cargo puts our binaries
#   BETTIFLOW_BIN_DIR     a folder of binaries instead of cargo's
#   BETTIFLOW_BENCH_DIR   where Flink is kept (default: .bettiflow/bench); fetched once from Maven Central with mvn, Java 17 or newer
# Exit code 1: a run failed or did not see all rows. That Flink could not be had is said, and no failure.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

read_arguments "$@"
build_binaries
exec python3 -B "$PROGRAM_FOLDER/throughput.py" "${arguments[@]}"
