#!/usr/bin/env bash
# Make a venv in the repository and install one requirements file into it; quick when nothing changed.
#   bash scripts/make_venv.sh [--mindspore VERSION] [REQUIREMENTS_FILE]
# Without a version it is .venv with the pinned MindSpore, else .venv-mindspore-VERSION with that one.
# PYTHON=python3.11 chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=2.10.0 venv=.venv
if [[ ${1:-} == --mindspore ]]; then
    version=${2:-} venv=.venv-mindspore-${2:-}
    if [[ ! $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
        echo "error: --mindspore '$version' is no version such as 2.8.0" >&2
        exit 2
    fi
    shift 2
fi
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

if [[ ! -f $venv/.made ]]; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        python_version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        bash scripts/debian_packages.sh "python$python_version-venv"
    fi
    say "making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
    touch "$venv/.made"
fi
ldconfig -p 2>/dev/null | grep -q libgomp.so.1 || bash scripts/debian_packages.sh libgomp1

mark=$venv/.installed-$(basename "$requirements")
wanted=$(cat requirements.txt "$requirements" - <<<"$version" | sha256sum)
if [[ ! -f $mark || $(<"$mark") != "$wanted" ]]; then
    say "installing $requirements with MindSpore $version"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" \
        "mindspore==$version"
    echo "$wanted" >"$mark"
fi
