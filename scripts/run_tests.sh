#!/usr/bin/env bash
# Install what the tests need and run them all; arguments go to pytest.
#   bash scripts/run_tests.sh [--mindspore VERSION] [PYTEST ARGUMENTS]
# -n 0 runs all in one process, as --pdb needs it. With a version everything, the launchers too, runs in
# an environment of its own. Without arguments a short set follows with the oldest MindSpore.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$repository"
oldest=2.7.0 short_set=(
  tests/model_utils/test_{checkpoint,convolutions,device,host,precision,step,strips,trainer_loop}.py
  tests/*/test_{networks,losses,commands}.py
)
version=() python=.venv/bin/python
if [[ ${1:-} == --mindspore ]]; then
  version=(--mindspore "${2:-}") python=.venv-mindspore-${2:-}/bin/python
  shift $(($# > 1 ? 2 : 1))
fi
bash scripts/make_venv.sh "${version[@]}" requirements-test.txt
[[ ${#version[@]} -eq 0 ]] || export PYTHON=$repository/$python
# For the 310 program's tests: compiler, image library, header-only libraries. For pages: a browser.
bash scripts/debian_packages.sh cmake make g++ libopencv-core-dev libopencv-imgproc-dev \
    libopencv-imgcodecs-dev libcli11-dev nlohmann-json3-dev doctest-dev chromium
export ONEDNN_MAX_CPU_ISA=${ONEDNN_MAX_CPU_ISA:-AVX2} GLOG_v=${GLOG_v:-3}
"$python" -m ruff check .
"$python" -m ruff format --check .
# Two workers: most tests wait for a compiler or a new process, which use one core. A file's tests
# stay with one worker, which makes their data once.
run() {
  "$python" -m pytest --numprocesses 2 --dist loadfile "$@"
}
if (($#)); then
  run "$@"
  exit
fi
# What MindSpore compiled stays in memory until a worker ends, up to 8 GB in each: new ones for the
# models of video, and for the 310 program's tests, whose own processes need memory too.
status=0 video=(*/src/sfm_utils) program=tests/ascend310_infer
video=("${video[@]%%/*}")
video=("${video[@]/#/tests/}")
run "${video[@]/#/--ignore=}" --ignore="$program" || status=$?
run "${video[@]}" || status=$?
run "$program" || status=$?
[[ ${#version[@]} -gt 0 ]] || bash scripts/run_tests.sh --mindspore "$oldest" "${short_set[@]}" || status=$?
exit "$status"
