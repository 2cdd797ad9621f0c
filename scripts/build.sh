#!/usr/bin/env bash
# Builds the web page and the binaries (jobmanager, taskmanager, submit-job, local-services, kafka-* tools).
#
# usage: scripts/build.sh [--debug] [--skip-page]
#   --debug       builds faster, runs slower: into target/debug instead of target/release
#   --skip-page   leaves the page as it is
# The page is built first, because the jobmanager binary embeds it. It needs Node.js ^20.19 or >= 22.12; without it the
# binaries are built all the same, and the JobManager says on / that there is no page.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

profile=release page=yes
for argument in "$@"; do
    case "$argument" in
        --debug) profile=debug ;;
        --skip-page) page= ;;
        -h | --help) print_help; exit 0 ;;
        *) usage_error "unknown argument $argument" ;;
    esac
done
have cargo || die "cargo was not found; install the Rust toolchain from https://rustup.rs"

web="$ROOT/jobmanager/web"
page_is_current() {
    [ -f "$web/dist/index.html" ] &&
        [ -z "$(find "$web" \( -name node_modules -o -name dist -o -name dev \) -prune -o -type f -newer "$web/dist/index.html" -print -quit)" ]
}

if [ -n "$page" ] && page_is_current; then
    say "page: up to date"
elif [ -n "$page" ] && node_is_new_enough; then
    say "page: npm ci, npm run build"
    (cd "$web" && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build)
elif [ -n "$page" ]; then
    warn "the web page is not built: it needs Node.js ^20.19 or >= 22.12 with npm, found $(node --version 2>/dev/null || echo none)"
fi

arguments=(build --locked --workspace --bins)
[ "$profile" = debug ] || arguments+=(--release)
say "binaries: cargo ${arguments[*]}"
(cd "$ROOT" && cargo "${arguments[@]}")
say "built: $(target_dir)/$profile"
