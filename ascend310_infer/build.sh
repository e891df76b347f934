#!/usr/bin/env bash
# Build ascend310_infer/build/main; what is up to date is left alone.
# Usage: bash ascend310_infer/build.sh [CMake options such as -DWITH_TESTS=ON]
# LITE_HOME or MSLITE_HOME names the MindSpore Lite to use; BUILD_DIR another folder; JOBS, processes.
set -euo pipefail

source_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
build_dir="${BUILD_DIR:-$source_dir/build}"

missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v make >/dev/null || missing+=(make)
command -v "${CXX:-g++}" >/dev/null || missing+=(g++)
if [[ ${#missing[@]} -gt 0 ]]; then
  echo "packages are missing: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 2
fi

mkdir -p "$build_dir"
rm -f "$build_dir/error.txt"
if ! cmake -S "$source_dir" -B "$build_dir" -DLITE_HOME="${LITE_HOME:-${MSLITE_HOME:-}}" "$@" \
  >"$build_dir/configure.log" 2>&1; then
  # What the user can fix is said there in one line; anything else is CMake's own report.
  report="$build_dir/error.txt"
  [[ -e $report ]] || report="$build_dir/configure.log"
  cat "$report" >&2
  exit 2
fi
exec cmake --build "$build_dir" --parallel "${JOBS:-$(nproc)}"
