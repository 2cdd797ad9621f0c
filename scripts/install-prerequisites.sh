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

node_version="$(node --version 2>/dev/null || true)"
case "$node_version" in
    v20.19.* | v20.[2-9][0-9].* | v22.1[2-9].* | v22.[2-9][0-9].* | v2[3-9].* | v[3-9][0-9].*) have npm || node_version= ;;
    *) node_version= ;;
esac
if [ -z "$node_version" ]; then
    warn "the web page will not be built: it needs Node.js ^20.19 or >= 22.12 with npm, and found $(node --version 2>/dev/null || echo none);" \
        "newer ones: https://nodejs.org or https://deb.nodesource.com"
fi
[ -z "$failed" ] || die "the build would fail: see above"
say "prerequisites: complete${node_version:+, page with Node.js $node_version}"
