#!/usr/bin/env bash
# Installs what the build needs and this machine lacks, with apt on Debian and Ubuntu.
#
# usage: scripts/install-prerequisites.sh [--tests] [--check]
#   --tests   also what the tests use where they can get it: python3, chromium, java and maven (for a real Apache Kafka)
#   --check   installs nothing; says what is missing and fails if the build would
# Works as root or with sudo. The Rust toolchain itself comes from https://rustup.rs.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tests= check=
for argument in "$@"; do
    case "$argument" in
        --tests) tests=yes ;;
        --check) check=yes ;;
        -h | --help) print_help; exit 0 ;;
        *) usage_error "unknown argument $argument" ;;
    esac
done

# Needed: without these nothing is built. Wanted: something is left out, and said so.
needed=() wanted=()
have cc && have make && have g++ || needed+=(build-essential)
have pkg-config || needed+=(pkg-config)
[ -f /usr/include/zlib.h ] || needed+=(zlib1g-dev)
have curl || needed+=(curl)
have python3 || [ -z "$tests" ] || needed+=(python3)
have node && have npm || wanted+=(nodejs npm)
if [ -n "$tests" ]; then
    have chromium || have chromium-browser || have google-chrome || wanted+=(chromium)
    have java || wanted+=(openjdk-17-jre-headless)
    have mvn || wanted+=(maven)
    # counts the instructions of hot loops
    have valgrind || wanted+=(valgrind)
    # python3 -m venv, for an independent S3 server
    python3 -c 'import venv, ensurepip' 2>/dev/null || wanted+=(python3-venv)
fi

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "root rights are needed for: $*; install sudo or run this as root"
    fi
}
apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 "$@"; }

if [ ${#needed[@]} -gt 0 ] || [ ${#wanted[@]} -gt 0 ]; then
    if [ -n "$check" ]; then
        say "missing: ${needed[*]} ${wanted[*]}"
    elif ! have apt-get; then
        [ ${#needed[@]} -eq 0 ] || die "this is not Debian: install by hand what these Debian packages hold: ${needed[*]}"
        warn "this is not Debian; left out: ${wanted[*]}"
    else
        apt update -qq || warn "apt-get update failed; trying with the lists that are there"
        if [ ${#needed[@]} -gt 0 ]; then
            say "installing: ${needed[*]}"
            apt install -y -qq --no-install-recommends "${needed[@]}" >/dev/null || die "apt-get could not install ${needed[*]}"
        fi
        for package in "${wanted[@]}"; do
            say "installing: $package"
            apt install -y -qq --no-install-recommends "$package" >/dev/null || warn "apt-get could not install $package"
        done
    fi
fi

failed=
if ! have cargo; then
    warn "the Rust toolchain is missing: install it from https://rustup.rs, then run this again"
    failed=yes
fi
have cc && have make && have g++ && have pkg-config && [ -f /usr/include/zlib.h ] && have curl || failed=yes

# The npm registry holds Node.js itself too, and a npm of its own, which Debian's patched one cannot replace.
if ! node_is_new_enough && have npm && [ -z "$check" ]; then
    say "installing: Node.js 22 in $OWN_NODE, because the web page needs ^20.19 or >= 22.12 and $(node --version 2>/dev/null || echo none) is here"
    mkdir -p "$OWN_NODE"
    npm install --prefix "$OWN_NODE" --no-audit --no-fund --loglevel=error node@22 npm@10 >/dev/null || warn "npm could not install Node.js 22"
    PATH="$OWN_NODE/node_modules/.bin:$PATH"
fi
page=", without the web page"
if node_is_new_enough; then
    page=", page with Node.js $(node --version)"
else
    warn "the web page will not be built: it needs Node.js ^20.19 or >= 22.12 with npm, and found $(node --version 2>/dev/null || echo none);" \
        "newer ones: https://nodejs.org or https://deb.nodesource.com"
fi
[ -z "$failed" ] || die "the build would fail: see above"
say "prerequisites: complete$page"
