#!/usr/bin/env bash
# Shared by the launchers: chooses the Python interpreter and hands over to launch.py.
# Usage: launch.sh SCRIPT [ARGUMENT ...]
# PYTHON=/path/to/python wins, then .venv beside the scripts folder, then python3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-}
if [[ -z $python ]]; then
  python=$(dirname "$here")/.venv/bin/python
  [[ -x $python ]] || python=python3
fi
if ! command -v "$python" > /dev/null; then
  echo "error: no Python at '$python'; set PYTHON=/path/to/python" >&2
  exit 2
fi
exec "$python" "$here/launch.py" "$@"
