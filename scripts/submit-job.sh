#!/usr/bin/env bash
# The words of submit-job, building the binary first if need be. submit-job --help lists them.
#
# usage: scripts/submit-job.sh --job jobs/tda.toml [...]
# environment: BETTIFLOW_BIN_DIR, a folder of binaries instead of cargo's
set -euo pipefail
. "$(dirname "$0")/lib.sh"

binary="$(bin_dir release)/submit-job"
if [ -z "${BETTIFLOW_BIN_DIR:-}" ] && [ ! -x "$binary" ]; then
    debug="$(bin_dir debug)/submit-job"
    if [ -x "$debug" ]; then
        binary="$debug"
    else
        "$ROOT/scripts/build.sh" --skip-page >&2
    fi
fi
[ -x "$binary" ] || die "$binary is missing; run scripts/build.sh"
exec "$binary" "$@"
