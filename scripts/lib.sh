# What the scripts share; sourced, not run. Needs bash 4 and /proc (Linux).

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
PROGRAM="$(basename "$0" .sh)"
VERBOSE="${VERBOSE:-}"

say() { printf '%s\n' "$*"; }
detail() { if [ -n "$VERBOSE" ]; then printf '%s\n' "$*" >&2; fi; }
warn() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }
die() {
    warn "$*"
    exit 1
}
usage_error() {
    warn "$*"
    warn "see scripts/$PROGRAM.sh --help"
    exit 2
}
have() { command -v "$1" >/dev/null 2>&1; }

# The leading comment of the calling script is its help.
print_help() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# --- Node.js, for the web page

# Where install-prerequisites.sh puts one when the system's is too old, as in Debian 12.
OWN_NODE="$ROOT/.bettiflow/node"
if [ -x "$OWN_NODE/node_modules/.bin/node" ]; then PATH="$OWN_NODE/node_modules/.bin:$PATH"; fi

# Vite's terms.
node_is_new_enough() {
    have node && have npm && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)'
}

# --- what cargo built

# Where cargo puts its files, also when CARGO_TARGET_DIR or a cargo configuration moves it.
target_dir() {
    (cd "$ROOT" && cargo metadata --no-deps --format-version 1) | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Folder of the binaries: BETTIFLOW_BIN_DIR, else target/PROFILE.
bin_dir() {
    if [ -n "${BETTIFLOW_BIN_DIR:-}" ]; then
        say "$BETTIFLOW_BIN_DIR"
    else
        say "$(target_dir)/$1"
    fi
}

# --- ports and HTTP

is_listening() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# The port of HOST:PORT,HOST:PORT... that answers, if any does within SECONDS.
wait_for_address() {
    local addresses="$1" deadline=$((SECONDS + $2)) address
    while :; do
        for address in ${addresses//,/ }; do
            is_listening "${address%:*}" "${address##*:}" && return 0
        done
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}

http_get() { curl --silent --show-error --fail --max-time 5 "$1"; }

# The number that JSON text $1 holds under name $2; empty where there is none.
json_number() { sed -n 's/.*"'"$2"'":[ ]*\(-\{0,1\}[0-9]\{1,\}\).*/\1/p' <<<"$(tr -d '\n' <<<"$1")"; }

# --- processes: a pid file holds the pid and the start time of the process, so that a pid that was given to another
# process in the meantime is never taken for ours

start_time() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

write_pid() { printf '%s %s\n' "$1" "$(start_time "$1")" >"$2.next" && mv "$2.next" "$2"; }

# Prints the pid in the file if that very process is still running.
read_pid() {
    local pid time
    [ -f "$1" ] && read -r pid time <"$1" || return 1
    [ -n "$time" ] && [ "$(start_time "$pid")" = "$time" ] || return 1
    # A zombie has ended; only its parent has not heard of it yet.
    [ "$(sed 's/^.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f1)" != Z ] || return 1
    printf '%s\n' "$pid"
}

# Ends the process of a pid file: SIGTERM, and SIGKILL after SECONDS.
end_process() {
    local pid deadline=$((SECONDS + $2))
    pid="$(read_pid "$1")" || { rm -f "$1"; return 0; }
    kill -TERM "$pid" 2>/dev/null || true
    while read_pid "$1" >/dev/null; do
        if ((SECONDS >= deadline)); then
            kill -KILL "$pid" 2>/dev/null || true
            break
        fi
        sleep 0.1
    done
    rm -f "$1"
}
