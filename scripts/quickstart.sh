#!/usr/bin/env bash
# See depth in one command: install, render a small dataset, train, evaluate, export, predict.
#   bash scripts/quickstart.sh [depthnet|midas]
# Pictures and numbers go to out/quickstart/ (midas: out/quickstart_midas/); what is done is skipped
# the second time.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
model=${1:-depthnet}
if [[ $# -gt 1 || ! $model =~ ^(depthnet|midas)$ ]]; then
    echo "usage: bash scripts/quickstart.sh [depthnet|midas]" >&2
    exit 2
fi
bash "$repository/scripts/make_venv.sh"
cd "$repository"
export ONEDNN_MAX_CPU_ISA=${ONEDNN_MAX_CPU_ISA:-AVX2} GLOG_v=${GLOG_v:-3}
exec .venv/bin/python -m scripts.quickstart "$model"
