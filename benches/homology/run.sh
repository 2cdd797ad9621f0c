#!/usr/bin/env bash
# Times persistent homology, ours and that of the best peers in Python side by side: Rips, alpha, witness, sliding windows,
# distances. Prints tables in Markdown, with ratios beside our goals. Everything takes about an hour, --quick some minutes.
#
# usage: benches/homology/run.sh [options]
#   --quick            the small cases
#   --only WORD,...    cases whose group or name holds one of the words: rips, alpha, witness, windows, distances, sphere ...
#   --list             names the cases that would run
#   --runs R           processes per case and contestant, of which the median is shown (default: 3)
#   --timeout S        ends a run after so many seconds; it is shown as "> S" (default: 120)
#   --threads T        one, all or both (default: both)
#   --report FILE.md   writes the tables into a file, too
#   --json FILE        writes all figures
#   --without-peers    ours alone
#   --skip-build       takes the binary that is there
# environment:
#   CARGO_TARGET_DIR      where cargo puts our binaries
#   BETTIFLOW_BIN_DIR     a folder of binaries instead of cargo's
#   BETTIFLOW_BENCH_DIR   where the peers are installed (from PyPI, with pip) and inputs are written (default: .bettiflow/bench)
#   BETTIFLOW_BENCH_PYTHON  a Python that has the peers, instead
#   BETTIFLOW_BENCH_DATA  folder of the standard inputs (default: ../shared/bench/tda/data); cases without theirs are left out
# Exit code 1: one of our runs failed, or its answer is not that of a peer. What a peer cannot do is said, and no failure.
set -euo pipefail
PROGRAM_FOLDER="$(cd "$(dirname "$0")" && pwd)"
. "$PROGRAM_FOLDER/../../scripts/lib.sh"

skip_build="${BETTIFLOW_BIN_DIR:+yes}"
listing=
arguments=()
for argument in "$@"; do
    case "$argument" in
        --skip-build) skip_build=yes ;;
        -h | --help) print_help; exit 0 ;;
        --list) listing=yes; arguments+=("$argument") ;;
        *) arguments+=("$argument") ;;
    esac
done
bench="${BETTIFLOW_BENCH_DIR:-$ROOT/.bettiflow/bench}"

# The mark is written last: without it the environment is unfinished.
install_peers() {
    local venv="$bench/homology-venv"
    if ! cmp -s "$PROGRAM_FOLDER/requirements.txt" "$venv/complete"; then
        have python3 || die "python3 was not found; the peers are Python packages"
        say "installing the peers into $venv" >&2
        rm -rf "$venv"
        mkdir -p "$bench"
        python3 -m venv "$venv" || die "python3 -m venv failed; on Debian install python3-venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$PROGRAM_FOLDER/requirements.txt" >&2 ||
            die "pip could not install the peers; see above"
        # Built from source: it needs a compiler and CGAL.
        "$venv/bin/pip" install --quiet --disable-pip-version-check diode==1.2.2 >&2 ||
            warn "Oineus has no alpha shapes: diode could not be built; on Debian install libcgal-dev and cmake, then delete $venv"
        cp "$PROGRAM_FOLDER/requirements.txt" "$venv/complete"
    fi
    python="$venv/bin/python"
}

if [ -n "${BETTIFLOW_BENCH_PYTHON:-}" ]; then
    python="$BETTIFLOW_BENCH_PYTHON"
else
    install_peers
fi
if [ -z "$skip_build$listing" ]; then
    have cargo || die "cargo was not found; install the Rust toolchain from https://rustup.rs"
    (cd "$ROOT" && cargo build --locked --release -p persistence)
fi
exec "$python" -B "$PROGRAM_FOLDER/bench.py" --binary "$(bin_dir release)/persistence" --inputs "$bench/homology-inputs" "${arguments[@]}"
