#!/usr/bin/env bash
# Shared by the launchers: chooses the Python interpreter and hands over to a package of scripts/.
# Usage: launch.sh PACKAGE SCRIPT [ARGUMENT ...]
# PYTHON=/path/to/python wins, then .venv beside the scripts folder, then python3.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
caller=$PWD
python=${PYTHON:-}
if [[ -z $python ]]; then
  python=$root/.venv/bin/python
  [[ -x $python ]] || python=python3
fi
if ! command -v "$python" >/dev/null; then
  echo "error: no Python at '$python'; set PYTHON=/path/to/python" >&2
  exit 2
fi
[[ $python == /* || $python != */* ]] || python=$caller/$python
# Python looks for the package in the folder it starts in: ours, not one of the caller's.
cd "$root"
exec "$python" -m "scripts.$1" "$caller" "${@:2}"
