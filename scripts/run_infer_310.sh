#!/usr/bin/env bash
# Predict a test set with exported graphs on an Ascend 310, and score the results.
# Usage: run_infer_310.sh depthnet MINDIR1 MINDIR2 DATA_PATH [DEVICE_ID] [FLAG ...]
#        run_infer_310.sh midas MODEL_PATH DATA_PATH Kitti|Sintel|TUM [DEVICE_ID] [FLAG ...]
# infer_310.py beside it does the work; PYTHON names another interpreter than .venv's or python3.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
python="${PYTHON:-$(dirname "$here")/.venv/bin/python}"
if [[ -z ${PYTHON:-} && ! -x $python ]]; then
  python=python3
fi
if ! command -v "$python" >/dev/null; then
  echo "error: no Python at '$python'; set PYTHON=/path/to/python" >&2
  exit 2
fi
exec "$python" "$here/infer_310.py" "$@"
