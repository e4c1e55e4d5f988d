# Sourced by the scripts beside it: brings this checkout to where they can run. Speaks on stderr only.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
say() { printf '%s\n' "$*" >&2; }

# Debian packages that the store's own parts need, and those that only the tests need.
debian_base=(gcc python3-dev python3-venv libzbar0 fonts-wqy-microhei)
debian_test=(chromium postgresql umockdev strace systemd udev dbus)

# Installs what is missing of the Debian packages named; does nothing on other systems.
need_debian() {
    command -v dpkg-query > /dev/null || return 0
    local package missing=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) == installed ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        say "Missing Debian packages; install them and start again:"
        say "  sudo apt-get install -y --no-install-recommends ${missing[*]}"
        exit 1
    fi
    say "Installing Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    local log
    log=$(mktemp)
    # The package lists of a new machine are empty or old: bring them up to date first.
    if ! { apt-get -qq update && apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
        install -y --no-install-recommends "${missing[@]}"; } < /dev/null > "$log" 2>&1; then
        cat "$log" >&2
        exit 1
    fi
    rm -f "$log"
}

# The distribution's own Python if it is new enough: python3-dev's headers belong to it, and it is
# built with profile and link-time optimisation, which is a third of a redeem's CPU.
own_python() {
    if [[ -x /usr/bin/python3 ]] &&
        /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo /usr/bin/python3
    else
        echo python3
    fi
}

# Makes .venv and installs both locks and this checkout into it; a stamp makes it fast when done.
need_venv() {
    local python=${PYTHON:-$(own_python)} stamp=.venv/.storeedge-installed want
    want=$(cat build.lock requirements.lock pyproject.toml scripts/setup.sh | sha256sum; pwd)
    [[ -f $stamp && $(< "$stamp") == "$want" ]] && return 0
    if [[ ! -x .venv/bin/pip ]]; then
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
            say "Python 3.11 or newer is needed; name one with PYTHON=..."
            exit 1
        }
        say "Making .venv with $("$python" --version)"
        "$python" -m venv .venv >&2
    fi
    say "Installing the locked packages (about a minute the first time)"
    local pip=(.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check)
    {
        "${pip[@]}" --require-hashes -r build.lock
        "${pip[@]}" --no-build-isolation --require-hashes -r requirements.lock
        "${pip[@]}" --no-deps --no-build-isolation -e .
    } >&2
    printf '%s' "$want" > "$stamp"
}

# setup PACKAGE...: everything above, one process at a time.
setup() {
    {
        flock 9
        need_debian "$@"
        need_venv
    } 9< "$root"
}
