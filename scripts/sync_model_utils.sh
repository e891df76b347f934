#!/usr/bin/env bash
# Copy one model's src/model_utils over the files of the same name in the other model folders.
# Usage: bash scripts/sync_model_utils.sh MODEL
# A folder that lacks a file does not get it: models leave out what they do not use.
set -euo pipefail
root=${ZOO_MODELS_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
if [[ $# -ne 1 ]]; then
  sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
source_folder=$root/$1/src/model_utils
if [[ $1 == */* || ! -d $source_folder ]]; then
  echo "error: '$1' is not a model with a folder src/model_utils" >&2
  exit 2
fi
copied=0
for file in "$source_folder"/*.py; do
  for other in "$root"/*/src/model_utils/"${file##*/}"; do
    if ! cmp --silent "$file" "$other"; then
      cp -- "$file" "$other"
      echo "${other#"$root/"}: now that of $1"
      copied=$((copied + 1))
    fi
  done
done
echo "$copied file(s) changed"
