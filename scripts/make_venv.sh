#!/usr/bin/env bash
# Make .venv in the repository and install one requirements file into it; quick when nothing changed.
#   bash scripts/make_venv.sh [REQUIREMENTS_FILE]      PYTHON=python3.11 chooses the interpreter
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
requirements=${1:-requirements.txt}

say() { echo "make_venv: $*" >&2; }

# A Debian package that is missing is installed when we are root, else named.
need() {
    local packages=("$@")
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        say "${packages[*]} missing; run: sudo apt-get install ${packages[*]}"
        exit 2
    fi
    say "installing ${packages[*]}"
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
}

find_python() {
    local name
    for name in ${PYTHON:-} python3.11 python3.12 python3.10 python3; do
        if "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    say "Python 3.10, 3.11 or 3.12 is needed; install it or set PYTHON"
    exit 2
}

if [[ ! -f .venv/.made ]]; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        need "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    fi
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
    touch .venv/.made
fi
ldconfig -p 2>/dev/null | grep -q libgomp.so.1 || need libgomp1

mark=.venv/.installed-$(basename "$requirements")
wanted=$(cat requirements.txt "$requirements" | sha256sum)
if [[ ! -f $mark || $(<"$mark") != "$wanted" ]]; then
    say "installing $requirements"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"
    echo "$wanted" >"$mark"
fi
