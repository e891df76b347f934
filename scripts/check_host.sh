#!/usr/bin/env bash
# Print what this host has of what an Ascend card needs, and what is missing: then the exit status is 2.
#   bash scripts/check_host.sh        PYTHON=/path/to/python checks that interpreter's packages
# Reads files and the environment only; needs no package but Python 3.9. See scripts/HOST_910.md and
# ascend310_infer/HOST_310.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
[[ -n ${PYTHON:-} || -x $python ]] || python=python3
if ! command -v "$python" >/dev/null; then
  echo "error: no Python at '$python'; set PYTHON=/path/to/python" >&2
  exit 2
fi
[[ $python == /* || $python != */* ]] || python=$PWD/$python
copies=("$root"/*/src/model_utils/host.py)
cd "${copies[0]%/src/*}" # any model's: the copies are identical
exec "$python" -m src.model_utils.host "$@"
