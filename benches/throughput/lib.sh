# What run.sh and profile.sh share; sourced, not run.

PROGRAM_FOLDER="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$PROGRAM_FOLDER/../../scripts/lib.sh"

# Leaves in `arguments` what is for the Python program.
read_arguments() {
    skip_build="${BETTIFLOW_BIN_DIR:+yes}"
    arguments=()
    local argument
    for argument in "$@"; do
        case "$argument" in
            --skip-build) skip_build=yes ;;
            -h | --help) print_help; exit 0 ;;
            *) arguments+=("$argument") ;;
        esac
    done
    have python3 || die "python3 was not found; it drives the runs"
}

# Release binaries of ours, in the exported BETTIFLOW_BIN_DIR.
build_binaries() {
    have cargo || [ -n "${BETTIFLOW_BIN_DIR:-}" ] || die "cargo was not found; install the Rust toolchain from https://rustup.rs"
    if [ -z "$skip_build" ]; then
        (cd "$ROOT" && cargo build --locked --release -p jobmanager -p taskmanager -p cli)
    fi
    BETTIFLOW_BIN_DIR="$(bin_dir release)"
    export BETTIFLOW_BIN_DIR
}
