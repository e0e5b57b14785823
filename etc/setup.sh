#!/bin/sh
# Installs what building and running eventplanner needs and this machine lacks: a C compiler for
# two of the libraries, and PostgreSQL's server binaries. Changes nothing where all is there.
# --with-pgbouncer: PgBouncer too, so that the tests can stand behind it.
set -eu

has_postgres() {
    command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

if ! command -v cargo >/dev/null 2>&1; then
    echo "setup: cargo is missing; install Rust from https://rustup.rs, then run this again" >&2
    exit 1
fi

missing=
command -v cc >/dev/null 2>&1 || missing="gcc libc6-dev"
has_postgres || missing="$missing postgresql"
if [ "${1-}" = --with-pgbouncer ]; then
    # Debian puts it where only root's PATH leads.
    PATH="$PATH:/usr/sbin" command -v pgbouncer >/dev/null 2>&1 || missing="$missing pgbouncer"
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: please install a C compiler (cc) and PostgreSQL 15 or later, server included" >&2
    echo "  Fedora: dnf install gcc postgresql-server     Arch: pacman -S gcc postgresql" >&2
    echo "  Alpine: apk add gcc musl-dev postgresql       macOS: brew install postgresql" >&2
    exit 1
fi

# Seconds to wait for apt's lock: on a fresh machine unattended upgrades may hold it.
LOCK_WAIT_S=600

# As root, else through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# eventplannerd makes a private database of its own: Debian's package need not start one.
if ! has_postgres && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    as_root mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" |
        as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
fi

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o "DPkg::Lock::Timeout=$LOCK_WAIT_S" "$@"
}

install_missing() {
    # Word by word: these are package names of our own.
    # shellcheck disable=SC2086
    apt_get install -y --no-install-recommends $missing
}

echo "setup: installing $missing" >&2
# A fresh machine has no list of packages yet, an old one a stale list.
install_missing || { apt_get update && install_missing; }
