#!/usr/bin/env bash
# Fetch the MindSpore Lite 2.0.0 runtime into .cache/mindspore_lite and, where Python 3.9 exists,
# make .venv-export with MindSpore 2.0.0: the exporter whose MindIR files that runtime reads.
# Usage: bash scripts/install_lite.sh [runtime|export|all]     (default: all; done parts are skipped)
# PYTHON and PYTHON39 choose the interpreters.
set -euo pipefail

readonly VERSION=2.0.0
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
what="${1:-all}"
if [[ $# -gt 1 || ! $what =~ ^(runtime|export|all)$ ]]; then
  sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
mkdir -p "$root/.cache"
exec 9>"$root/.cache/install_lite.lock"
flock 9 # two at a time would unpack over each other

install_runtime() {
  local target="$root/.cache/mindspore_lite"
  [[ ! -d $target ]] || return 0
  work="$(mktemp -d "$root/.cache/lite.XXXXXX")"
  trap 'rm -rf "$work"' EXIT
  # The package is made for Python 3.7; only its C++ headers and libraries are used here.
  "${PYTHON:-python3}" -m pip download --quiet --no-deps --only-binary=:all: --python-version 37 \
    --implementation cp --abi cp37m --platform manylinux1_x86_64 \
    --dest "$work" "mindspore-lite==$VERSION"
  "${PYTHON:-python3}" -m zipfile -e "$work"/mindspore_lite-*.whl "$work/unpacked"
  mv "$work/unpacked/mindspore_lite" "$target" # complete or not there at all
  echo "MindSpore Lite $VERSION unpacked into .cache/mindspore_lite"
}

find_python39() {
  local candidate
  for candidate in "${PYTHON39:-}" python3.9 "$HOME"/.pyenv/versions/3.9.*/bin/python3.9; do
    # Being found is not enough: a version manager's stand-in may refuse to run.
    if [[ -n $candidate ]] && "$candidate" -c 'import venv' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

install_export() {
  local target="$root/.venv-export" python39
  [[ ! -e $target/complete ]] || return 0
  python39="$(find_python39)"
  if [[ -z $python39 ]]; then
    echo "no Python 3.9 here, so no .venv-export: export on a machine that has one (PYTHON39=path)"
    return
  fi
  "$python39" -m venv --clear "$target"
  "$target/bin/python" -m pip install --quiet --disable-pip-version-check "mindspore==$VERSION" \
    "numpy<1.27" "pillow<10" "opencv-python-headless==4.10.0.84" PyYAML
  touch "$target/complete"
  echo "MindSpore $VERSION installed into .venv-export"
}

[[ $what == export ]] || install_runtime
[[ $what == runtime ]] || install_export
