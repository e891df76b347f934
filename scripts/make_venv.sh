#!/usr/bin/env bash
# Make .venv in the repository and install one requirements file into it; quick when nothing changed.
#   bash scripts/make_venv.sh [REQUIREMENTS_FILE]      PYTHON=python3.11 chooses the interpreter
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
requirements=${1:-requirements.txt}

say() { echo "make_venv: $*" >&2; }

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
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        bash scripts/debian_packages.sh "python$version-venv"
    fi
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
    touch .venv/.made
fi
ldconfig -p 2>/dev/null | grep -q libgomp.so.1 || bash scripts/debian_packages.sh libgomp1

mark=.venv/.installed-$(basename "$requirements")
wanted=$(cat requirements.txt "$requirements" | sha256sum)
if [[ ! -f $mark || $(<"$mark") != "$wanted" ]]; then
    say "installing $requirements"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"
    echo "$wanted" >"$mark"
fi
