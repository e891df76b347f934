#!/usr/bin/env bash
# See depth in one command: install, render a small dataset, train, evaluate, export, predict.
#   bash scripts/quickstart.sh [--mindspore VERSION] [MODEL [WORD]]      (default: midas; WORD chooses
# another quickstart). Pictures, numbers and a page go to out/quickstart/, those of another model to
# out/quickstart_MODEL/; what is done is skipped the second time. A 910A needs --mindspore 2.8.0:
# scripts/HOST_910.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=() installed=.venv/bin/python
if [[ ${1:-} == --mindspore ]]; then
  version=(--mindspore "${2:-}") installed=.venv-mindspore-${2:-}/bin/python
  shift $(($# > 1 ? 2 : 1))
fi
[[ $# -gt 0 ]] || set -- midas
# A mistake is answered before anything is installed, where a Python is there already.
for python in "$installed" python3; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    "$python" -m scripts.quickstart --check "$@"
    break
  fi
done
bash scripts/make_venv.sh "${version[@]}"
export ONEDNN_MAX_CPU_ISA=${ONEDNN_MAX_CPU_ISA:-AVX2} GLOG_v=${GLOG_v:-3}
exec "$installed" -m scripts.quickstart "$@"
