#!/usr/bin/env bash
# Copy one model's src/model_utils and src/sfm_utils over the files of the same name elsewhere.
# Usage: bash scripts/sync_model_utils.sh MODEL
# A folder that lacks a file does not get it: models leave out what they do not use.
set -euo pipefail
root=${ZOO_MODELS_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
if [[ $# -ne 1 ]]; then
  sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
if [[ $1 == */* || ! -d $root/$1/src/model_utils ]]; then
  echo "error: '$1' is not a model with a folder src/model_utils" >&2
  exit 2
fi
copied=0
for file in "$root/$1"/src/{model_utils,sfm_utils}/*.py; do
  [[ -e $file ]] || continue
  for other in "$root"/*/"${file#"$root/$1/"}"; do
    if ! cmp --silent "$file" "$other"; then
      cp -- "$file" "$other"
      echo "${other#"$root/"}: now that of $1"
      copied=$((copied + 1))
    fi
  done
done
echo "$copied file(s) changed"
